"""Ours against stock trl, paired in one run: `python benchmarks/training.py`.

Both sides load the same seed, train the same LoRA on the same rows, in the same batches and number of
epochs, and save it; the time is of all that, and tokens are those of the rows, without padding. Stock is
`SFTTrainer` or `DPOTrainer` with its defaults, given the path of the seed; its DPO takes the seed as
reference, ours the SFT adapter, which is the same work. The sides alternate. The rows are made up, 20 to 60
tokens a question and an answer.

The last lines are JSON, one a comparison: name, ours, peer, unit, and ratio, which is ours / peer.
"""

import argparse
import gc
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import disable_progress_bars
from transformers import (
    AutoTokenizer,
    BitsAndBytesConfig,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PretrainedConfig,
)
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from charter.project.devices import resolve_device, resolve_dtype
from charter.project.params import Params, load_params
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.records import InstructExample, PreferencePair, content_id
from charter.training.examples import instruct_dataset, preference_dataset
from charter.training.fine_tuning import lora_config, train_on_answers
from charter.training.models import load_tokenizer
from charter.training.preference import train_on_preferences

ROOT = Path(__file__).parent.parent
SEED = ProjectPaths(ROOT).seed
EPOCHS = 2.0
WORDS = (
    "the employee must report every gift to a manager before it is accepted and no one shall be denied "
    "equal protection of law when they speak about work rights family safety records or payment in public"
)


@dataclass(frozen=True)
class Run:
    """What one training took: seconds, tokens without padding, and GiB of GPU memory at its peak."""

    seconds: float
    tokens: float
    memory: float


def main(arguments: list[str] | None = None) -> None:
    """Run the comparisons and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=64, help="rows to train on, 64 by default")
    parser.add_argument("--repetitions", type=int, default=2, help="trainings a side, 2 by default")
    parser.add_argument("--tiny", action="store_true", help="a random two-layer seed: does the script run?")
    parser.add_argument(
        "--model-shape",
        choices=["mistral-7b"],
        help="random weights of that shape, computed as in params.yaml",
    )
    options = parser.parse_args(arguments)
    disable_progress_bars()
    params = load_params(ROOT / "params.yaml")
    training = {"epochs": EPOCHS}
    params = params.model_copy(
        update={"sft": params.sft.model_copy(update=training), "dpo": params.dpo.model_copy(update=training)}
    )
    with tempfile.TemporaryDirectory() as folder:
        paths = ProjectPaths(Path(folder)).corpus(next(iter(params.corpora)))
        make_seed(paths.seed, "tiny" if options.tiny else options.model_shape)
        questions, pairs = list(made_up_questions(options.rows)), list(made_up_pairs(options.rows))
        sides: dict[str, tuple[Callable[[], float], Callable[[], float]]] = {
            "sft": (
                lambda: train_on_answers(questions, [], params, paths)["tokens"],
                lambda: stock_sft(questions, params, paths),
            ),
            "dpo": (
                lambda: train_on_preferences(pairs, [], params, paths)["tokens"],
                lambda: stock_dpo(pairs, params, paths),
            ),
        }
        for name, (ours, peer) in sides.items():
            runs = [(timed(peer), timed(ours)) for _ in range(options.repetitions)]
            for line in comparisons(name, [ours for _, ours in runs], [peer for peer, _ in runs]):
                sys.stdout.write(json.dumps(line) + "\n")


def make_seed(folder: Path, shape: str | None) -> None:
    """Put a seed into ``folder``: the project's own, or random weights of a shape with its tokenizer."""
    folder.parent.mkdir(parents=True)
    if shape is None:
        folder.symlink_to(SEED)
        return
    tokenizer = AutoTokenizer.from_pretrained(SEED)
    save_random(folder, shape, tokenizer, len(tokenizer))


def save_random(folder: Path, shape: str, tokenizer: Any, vocabulary: int) -> int:
    """Put random weights of a shape, with a tokenizer, into ``folder``; return how many weights they are.

    They are the same each time.
    """
    torch.manual_seed(0)
    sizes = {
        "vocab_size": vocabulary,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }
    config: PretrainedConfig
    if shape == "tiny":
        config = LlamaConfig(
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            tie_word_embeddings=True,
            **sizes,
        )
        model: Any = LlamaForCausalLM(config)
    else:
        # MistralConfig's defaults are those of the 7B; the vocabulary is that of our tokenizer.
        config = MistralConfig(sliding_window=None, **sizes)
        with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
            torch.set_default_dtype(torch.bfloat16)
            model = MistralForCausalLM(config)
            torch.set_default_dtype(torch.float32)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return int(model.num_parameters())


def made_up_questions(count: int) -> Iterator[InstructExample]:
    """Yield rows whose questions and answers have 20 to 60 words, about as many tokens."""
    words = random.Random(0)  # noqa: S311  not for secrets
    for number in range(count):
        question, answer = sentence(words), sentence(words)
        yield InstructExample(
            id=content_id(str(number)), chunk_id="", style="rule", rule="", question=question, answer=answer
        )


def made_up_pairs(count: int) -> Iterator[PreferencePair]:
    """Yield pairs of the same lengths."""
    words = random.Random(1)  # noqa: S311  not for secrets
    for number in range(count):
        prompt, chosen, rejected = sentence(words), sentence(words), sentence(words)
        yield PreferencePair(
            id=content_id(str(number)), chunk_id="", rule="", prompt=prompt, chosen=chosen, rejected=rejected
        )


def sentence(words: random.Random, least: int = 20, most: int = 60) -> str:
    """Return ``least`` to ``most`` words."""
    return " ".join(words.choices(WORDS.split(), k=words.randint(least, most)))


def stock_sft(rows: list[InstructExample], params: Params, paths: CorpusPaths, **others: Any) -> float:
    """Train with `SFTTrainer` as it comes but for ``others``, of its arguments; return the tokens."""
    tokenizer = load_tokenizer(paths.seed)
    trainer = SFTTrainer(
        str(paths.seed),
        args=SFTConfig(**stock_arguments(params.sft, params, paths) | others),
        train_dataset=instruct_dataset(rows, tokenizer, params.sft.max_length),
        processing_class=tokenizer,
        peft_config=lora_config(params.sft.lora),
        quantization_config=quantization(params),
    )
    return train_and_save(trainer)


def stock_dpo(rows: list[PreferencePair], params: Params, paths: CorpusPaths, **others: Any) -> float:
    """Train with `DPOTrainer` as it comes but for ``others``, of its arguments; return the tokens."""
    tokenizer = load_tokenizer(paths.seed)
    trainer = DPOTrainer(
        str(paths.seed),
        args=DPOConfig(**stock_arguments(params.dpo, params, paths) | others, beta=params.dpo.beta),
        train_dataset=preference_dataset(rows, tokenizer, params.dpo.max_length),
        processing_class=tokenizer,
        peft_config=lora_config(params.sft.lora),
        quantization_config=quantization(params),
    )
    return train_and_save(trainer)


def stock_arguments(settings: Any, params: Params, paths: CorpusPaths) -> dict[str, Any]:
    """Return what both sides have the same, and nothing else; on a GPU both compute in one type, too."""
    on_cpu = resolve_device(params.compute).type == "cpu"
    same = {"dtype": resolve_dtype(params.compute), "attn_implementation": params.compute.attention}
    return {
        "output_dir": str(paths.work / "stock"),
        "learning_rate": settings.learning_rate,
        "num_train_epochs": settings.epochs,
        "per_device_train_batch_size": settings.batch_size,
        "gradient_accumulation_steps": settings.gradient_accumulation,
        "max_length": settings.max_length,
        "seed": params.seed,
        "use_cpu": on_cpu,
        "model_init_kwargs": None if on_cpu else same,
        "include_num_input_tokens_seen": "non_padding",
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
    }


def quantization(params: Params) -> BitsAndBytesConfig | None:
    """Return QLoRA's quantisation where params.yaml asks for it."""
    if params.compute.quantization == "none":
        return None
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=resolve_dtype(params.compute),
    )


def train_and_save(trainer: Any) -> float:
    """Train to the end and save the adapter; return the tokens."""
    trainer.train()
    trainer.save_model()
    return float(trainer.state.num_input_tokens_seen)


def timed(train: Callable[[], float]) -> Run:
    """Run one training by itself."""
    gc.collect()
    gpu = torch.cuda.is_available()
    if gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    tokens = train()
    seconds = time.perf_counter() - start
    return Run(seconds, tokens, torch.cuda.max_memory_allocated() / 2**30 if gpu else 0.0)


def comparisons(name: str, ours: list[Run], peer: list[Run]) -> Iterator[dict[str, Any]]:
    """Yield the comparison of the rates, and on a GPU that of the peaks.

    Raises:
        ValueError: The sides counted different tokens.
    """
    counted = {run.tokens for run in ours + peer}
    if len(counted) > 1:
        raise ValueError(f"{name}: the sides trained on different tokens: {sorted(counted)}")

    def rate(runs: list[Run]) -> float:
        return sum(run.tokens for run in runs) / sum(run.seconds for run in runs)

    yield comparison(f"{name} training", rate(ours), rate(peer), "tokens/s")
    if torch.cuda.is_available():
        own_peak, peer_peak = (max(run.memory for run in runs) for runs in (ours, peer))
        yield comparison(f"{name} peak memory", own_peak, peer_peak, "GiB")


def comparison(name: str, ours: float, peer: float, unit: str) -> dict[str, Any]:
    """Return one line of the result."""
    return {
        "name": name,
        "ours": round(ours, 3),
        "peer": round(peer, 3),
        "unit": unit,
        "ratio": round(ours / peer, 3),
    }


if __name__ == "__main__":
    main()
