"""Supervised training of an adapter over the seed: on answers (sft), or on raw text (cft)."""

from collections.abc import Sequence

from datasets import Dataset
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Chunk, Demonstration, InstructExample
from charter.project.training_sections import Lora
from charter.training.checkpoints import run_folder
from charter.training.examples import OpenBookExample, instruct_dataset
from charter.training.loop import (
    LengthGrouped,
    expect_all_rows,
    run_training,
    silence_libraries,
    trainer_arguments,
)
from charter.training.models import load_seed, load_tokenizer


class FineTuner(LengthGrouped, SFTTrainer):  # type: ignore[misc]
    """trl's trainer, with rows of like length together."""


def train_on_answers(
    train: list[InstructExample],
    validation: list[InstructExample],
    params: Params,
    paths: CorpusPaths,
    demonstrations: Sequence[Demonstration] = (),
    open_book: Sequence[OpenBookExample] = (),
) -> dict[str, float]:
    """Train the ``sft`` adapter: the likelihood of the answers, given the questions.

    ``demonstrations`` and ``open_book`` are trained on too. Without ``validation`` rows nothing is evaluated.

    Returns:
        The metrics of `training_metrics`.

    Raises:
        CharterError: There is nothing to train on, a row is too long, or the training diverged.
    """
    if not train and not demonstrations:
        raise CharterError(f"{paths.instruct('train')}: no rows to train on; see {paths.rejected}")
    silence_libraries()
    tokenizer, settings = load_tokenizer(paths.seed), params.sft
    rows = instruct_dataset([*train, *open_book, *demonstrations], tokenizer, settings.max_length)
    held_out = instruct_dataset(validation, tokenizer, settings.max_length)
    run = run_folder("sft", (train, validation, demonstrations, open_book), params, paths, [paths.seed])
    trainer = FineTuner(
        load_seed(paths.seed, params.compute),
        args=trainer_arguments(SFTConfig, settings, params, run, evaluated=bool(validation)),
        train_dataset=rows,
        eval_dataset=held_out if validation else None,
        processing_class=tokenizer,
        peft_config=lora_config(settings.lora),
    )
    expect_all_rows(len(rows), len(trainer.train_dataset))
    return run_training(trainer, "sft", paths, len(rows))


def train_on_text(chunks: list[Chunk], params: Params, paths: CorpusPaths) -> dict[str, float]:
    """Train the ``cft`` adapter: the likelihood of the documents' own text.

    The chunks are joined in order, an end token between them, and cut into rows of cft.max_length
    tokens: no padding, and a row reads as the document does.

    Returns:
        The metrics of `training_metrics`; train_examples counts chunks.

    Raises:
        CharterError: There are no chunks, or the training diverged.
    """
    if not chunks:
        raise CharterError(f"{paths.chunks}: no chunks to train on")
    silence_libraries()
    run = run_folder("cft", (chunks,), params, paths, [paths.seed])
    trainer = FineTuner(
        load_seed(paths.seed, params.compute),
        args=trainer_arguments(SFTConfig, params.cft, params, run, packing=True, packing_strategy="wrapped"),
        train_dataset=Dataset.from_list([{"text": chunk.text} for chunk in chunks]),
        processing_class=load_tokenizer(paths.seed),
        peft_config=lora_config(params.cft.lora),
    )
    return run_training(trainer, "cft", paths, len(chunks))


def lora_config(lora: Lora) -> LoraConfig:
    """Adapt all linear layers but the output head (Hu et al., 2022; Dettmers et al., 2023)."""
    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
