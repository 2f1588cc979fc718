"""Direct preference optimisation (Rafailov et al., 2023), continuing the SFT adapter.

    L = -log sigma( beta * log[pi(y_w|x) / pi_sft(y_w|x)] - beta * log[pi(y_l|x) / pi_sft(y_l|x)] )

The policy is the seed with the SFT adapter, the only trained weights; trl copies that adapter, frozen, as
the reference. Its log-probabilities never change, so they are computed once, before training.
"""

import math
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from trl import DPOConfig, DPOTrainer

from charter.project.devices import resolve_dtype
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import PreferencePair
from charter.project.training_sections import Dpo
from charter.training.checkpoints import run_folder
from charter.training.examples import preference_dataset
from charter.training.kernels import fused
from charter.training.loop import (
    LengthGrouped,
    expect_all_rows,
    run_training,
    silence_libraries,
    trainer_arguments,
)
from charter.training.models import load_adapter, load_seed, load_tokenizer

ROBUST_LABEL_NOISE = 0.1
"""The share of wrongly ordered pairs that the loss ``robust`` (Chowdhury et al., 2024) reckons with."""

TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 5e-2}
"""Nats a token that two computations of the same log-probability may differ by."""


class PreferenceOptimizer(LengthGrouped, DPOTrainer):  # type: ignore[misc]
    """trl's trainer, with pairs of like length together; checks before its first step where it starts."""

    settings: Dpo
    tolerance: float

    def compute_loss(self, model: Any, inputs: dict[str, torch.Tensor], *args: Any, **kwargs: Any) -> Any:
        """Compute the loss of a batch; ``model`` is prepared for several devices, where there are several."""
        if self.state.global_step == 0:
            check_reference(model, inputs, self.tolerance)
        return super().compute_loss(model, inputs, *args, **kwargs)

    def log(self, *args: Any, **kwargs: Any) -> None:
        """Log a step."""
        super().log(*args, **kwargs)
        entry = self.state.log_history[-1]
        if self.state.global_step == 1 and "loss" in entry:
            check_start(entry, self.settings, self.tolerance)


def train_on_preferences(
    train: list[PreferencePair], validation: list[PreferencePair], params: Params, paths: CorpusPaths
) -> dict[str, float]:
    """Train the ``dpo`` adapter from the ``sft`` adapter, which is also the reference.

    Without ``validation`` rows nothing is evaluated.

    Returns:
        The metrics of `training_metrics`.

    Raises:
        CharterError: There is nothing to train on, a row is too long, the reference is not the SFT model, or
            the training diverged.
    """
    if not train:
        raise CharterError(f"{paths.preference('train')}: no pairs to train on; see {paths.rejected}")
    silence_libraries()
    tokenizer, settings = load_tokenizer(paths.seed), params.dpo
    rows = preference_dataset(train, tokenizer, settings.max_length)
    held_out = preference_dataset(validation, tokenizer, settings.max_length)
    run = run_folder("dpo", (train, validation), params, paths, [paths.seed, paths.adapter("sft")])
    arguments = trainer_arguments(
        DPOConfig,
        settings,
        params,
        run,
        evaluated=bool(validation),
        precompute_ref_log_probs=True,
        beta=settings.beta,
        loss_type=[settings.loss, "sft"] if settings.sft_weight else [settings.loss],
        loss_weights=[1.0, settings.sft_weight] if settings.sft_weight else None,
        label_smoothing=ROBUST_LABEL_NOISE if settings.loss == "robust" else 0.0,
    )
    # No peft_config: with one, the reference would be the seed without the SFT adapter.
    model = load_adapter(load_seed(paths.seed, params.compute), paths.adapter("sft"), trainable=True)
    with fused(arguments.device):
        trainer = PreferenceOptimizer(
            model,
            args=arguments,
            train_dataset=_shared(rows, run / "train", arguments),
            eval_dataset=_shared(held_out, run / "validation", arguments) if validation else None,
            processing_class=tokenizer,
        )
    expect_all_rows(len(rows), len(trainer.train_dataset))
    trainer.settings, trainer.tolerance = settings, TOLERANCE[resolve_dtype(params.compute)]
    return run_training(trainer, "dpo", paths, len(rows))


def check_reference(model: Any, batch: dict[str, torch.Tensor], tolerance: float) -> None:
    """Check that the reference's log-probabilities are those of the untrained policy, computed without trl.

    ``tolerance`` is in nats a token. ``model`` is as the trainer has prepared it: under FSDP and DeepSpeed
    the bare one holds no whole weights.

    Raises:
        CharterError: They differ.
    """
    with torch.no_grad():
        policy = response_log_probs(model, batch)
    reference = torch.cat([batch["ref_chosen_logps"], batch["ref_rejected_logps"]])
    difference = ((policy - reference).abs() / batch["completion_mask"].sum(1)).max().item()
    if not difference <= tolerance:
        raise CharterError(
            f"the DPO reference is not the SFT model: their log-probabilities differ by {difference:.3g} "
            "nats a token; run the sft stage again, and check the versions of trl and peft"
        )


def response_log_probs(model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return log pi(y|x) in nats of every row of a batch, shape [rows]: chosen rows, then rejected ones.

    ``completion_mask`` is 1 on the response's tokens; it and the others are of shape [rows, length].
    """
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    log_probs = logits[:, :-1].float().log_softmax(-1)
    chosen = log_probs.gather(-1, batch["input_ids"][:, 1:, None]).squeeze(-1)
    total: torch.Tensor = (chosen * batch["completion_mask"][:, 1:]).sum(1)
    return total


def check_start(logs: dict[str, float], settings: Dpo, tolerance: float) -> None:
    """Check the log of the first step, whose loss is of the untouched policy.

    All margins are 0 then, and the loss is what its formula gives there: ln 2 for ``sigmoid``.

    Raises:
        CharterError: They aren't.
    """
    margin, loss = logs["rewards/margins"], logs["loss"]
    at_reference = {"ipo": 1 / (4 * settings.beta**2), "apo_zero": 1.0}.get(settings.loss, math.log(2))
    # A likelihood, as sft_weight adds one, is not known here.
    known = settings.sft_weight == 0 and settings.loss != "sft"
    wrong = known and abs(loss - at_reference) > tolerance * at_reference
    if wrong or abs(margin) > tolerance:
        raise CharterError(
            f"DPO does not start at its reference: loss {loss:.4f} where {at_reference:.4f} is due, "
            f"margin {margin:.4f} where 0 is; check the versions of trl and peft"
        )


def _shared(rows: Dataset, folder: Path, arguments: DPOConfig) -> Dataset:
    """Put rows on disk, where all processes find the reference's log-probabilities."""
    with arguments.main_process_first(local=False):
        if arguments.process_index == 0:
            rows.save_to_disk(folder)
    return Dataset.load_from_disk(folder)
