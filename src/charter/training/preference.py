"""Direct preference optimisation (Rafailov et al., 2023), continuing the SFT adapter.

    L = -log sigma( beta * log[pi(y_w|x) / pi_sft(y_w|x)] - beta * log[pi(y_l|x) / pi_sft(y_l|x)] )

The policy is the seed with the SFT adapter, the only trained weights; trl copies that adapter, frozen, as
the reference. Its log-probabilities never change, so they are computed once, before training.
"""

import math
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset, disable_progress_bars
from transformers import TrainerCallback
from trl import DPOConfig, DPOTrainer

from charter.project.devices import resolve_dtype
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import PreferencePair
from charter.project.sections import Dpo
from charter.training.checkpoints import run_folder
from charter.training.datasets import preference_dataset
from charter.training.loop import expect_all_rows, fast_on_every_device, run_training
from charter.training.models import load_adapter, load_seed, load_tokenizer
from charter.training.order import LengthGrouped
from charter.training.settings import trainer_arguments

ROBUST_LABEL_NOISE = 0.1
"""The share of wrongly ordered pairs that the loss ``robust`` (Chowdhury et al., 2024) reckons with."""

TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 5e-2}
"""Nats a token that two computations of the same log-probability may differ by."""


class PreferenceOptimizer(LengthGrouped, DPOTrainer):  # type: ignore[misc]
    """trl's trainer, with pairs of like length together."""


def train_on_preferences(
    train: list[PreferencePair],
    validation: list[PreferencePair],
    params: Params,
    paths: CorpusPaths,
) -> dict[str, float]:
    """Train the ``dpo`` adapter from the ``sft`` adapter, which is also the reference.

    Without ``validation`` rows nothing is evaluated.

    Returns:
        The metrics of `training_metrics`.

    Raises:
        CharterError: There is nothing to train on, a row is too long, training does not start at the
            reference, or it diverged.
    """
    tokenizer, settings = load_tokenizer(paths.seed), params.dpo
    rows = preference_dataset(train, tokenizer, settings.max_length)
    if rows is None:
        raise CharterError(f"{paths.preference('train')}: no pairs to train on; see {paths.rejected}")
    held_out = preference_dataset(validation, tokenizer, settings.max_length)
    run = run_folder("dpo", (train, validation), settings, params, paths, [paths.seed, paths.adapter("sft")])
    disable_progress_bars()
    arguments = DPOConfig(
        **trainer_arguments(
            settings, params.compute, params.seed, run, held_out is not None, settings.best_epoch
        ),
        **_loss_arguments(settings),
        precompute_ref_log_probs=True,
    )
    # No peft_config: with one, the reference would be the seed without the SFT adapter.
    model = load_adapter(load_seed(paths.seed, params.compute), paths.adapter("sft"), trainable=True)
    with fast_on_every_device(model):
        trainer = PreferenceOptimizer(
            model,
            args=arguments,
            train_dataset=_shared(rows, run / "train", arguments),
            eval_dataset=None if held_out is None else _shared(held_out, run / "validation", arguments),
            processing_class=tokenizer,
        )
        expect_all_rows(len(rows), len(trainer.train_dataset))
        tolerance = TOLERANCE[resolve_dtype(params.compute)]
        check_reference(trainer, tolerance)
    trainer.add_callback(StartGuard(settings, tolerance))
    return run_training(trainer, "dpo", paths, len(rows))


def check_reference(trainer: DPOTrainer, tolerance: float) -> None:
    """Check on a batch that the reference's log-probabilities are those of the SFT model.

    They are compared with what the untrained policy gives in a plain forward pass, without trl;
    ``tolerance`` is in nats a token.

    Raises:
        CharterError: They differ.
    """
    first = range(min(trainer.args.per_device_train_batch_size, len(trainer.train_dataset)))
    batch = trainer.data_collator([trainer.train_dataset[row] for row in first])
    batch = {key: value.to(trainer.accelerator.device) for key, value in batch.items()}
    with torch.no_grad(), trainer.accelerator.autocast():
        policy = response_log_probs(trainer.model, batch)
    reference = torch.cat([batch["ref_chosen_logps"], batch["ref_rejected_logps"]])
    difference = ((policy - reference).abs() / batch["completion_mask"].sum(1)).max().item()
    if not difference <= tolerance:
        raise CharterError(
            f"the DPO reference is not the SFT model: their log-probabilities differ by {difference:.3g} "
            "nats a token; run the sft stage again, and check the versions of trl and peft"
        )


def response_log_probs(model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return log pi(y|x) of every row of a batch: chosen rows, then rejected ones.

    Args:
        model: A causal language model.
        batch: ``input_ids``, ``attention_mask`` and ``completion_mask``, which is 1 on the response's
            tokens; all of shape [rows, length].

    Returns:
        The sums over the responses' tokens, in nats; shape [rows].
    """
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    log_probs = logits[:, :-1].float().log_softmax(-1)
    chosen = log_probs.gather(-1, batch["input_ids"][:, 1:, None]).squeeze(-1)
    total: torch.Tensor = (chosen * batch["completion_mask"][:, 1:]).sum(1)
    return total


class StartGuard(TrainerCallback):  # type: ignore[misc]
    """Checks in the first step, whose loss is of the untouched policy, that policy and reference agree.

    Then all margins are 0, and the loss is what its formula gives there: ln 2 for ``sigmoid``.

    Raises:
        CharterError: They don't.
    """

    def __init__(self, settings: Dpo, tolerance: float):
        self.settings, self.tolerance = settings, tolerance

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
        """Check the log of the first step."""
        if state.global_step != 1 or "loss" not in logs:
            return
        margin, loss = logs["rewards/margins"], logs["loss"]
        expected = loss_at_reference(self.settings.loss, self.settings.beta)
        # The likelihood term that sft_weight adds is not known here.
        wrong = self.settings.sft_weight == 0 and abs(loss - expected) > self.tolerance * expected
        if wrong or abs(margin) > self.tolerance:
            raise CharterError(
                f"DPO does not start at its reference: loss {loss:.4f} where {expected:.4f} is due, "
                f"margin {margin:.4f} where 0 is; check the versions of trl and peft"
            )


def loss_at_reference(loss: str, beta: float) -> float:
    """Return the loss of a policy that equals its reference."""
    if loss == "ipo":
        return 1 / (4 * beta**2)
    return 1.0 if loss == "apo_zero" else math.log(2)


def _shared(rows: Dataset, folder: Path, arguments: DPOConfig) -> Dataset:
    """Put rows on disk, where all processes find the reference's log-probabilities."""
    with arguments.main_process_first(local=False):
        if arguments.process_index == 0:
            rows.save_to_disk(folder)
    return Dataset.load_from_disk(folder)


def _loss_arguments(settings: Dpo) -> dict[str, Any]:
    arguments = {
        "beta": settings.beta,
        "loss_type": [settings.loss],
        "label_smoothing": ROBUST_LABEL_NOISE if settings.loss == "robust" else 0.0,
    }
    if settings.sft_weight > 0:
        arguments |= {"loss_type": [settings.loss, "sft"], "loss_weights": [1.0, settings.sft_weight]}
    return arguments
