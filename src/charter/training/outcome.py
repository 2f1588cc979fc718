"""What a training leaves behind: its adapter, its curve and its metrics."""

import csv
import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from transformers import TrainerState

from charter.project.storage import atomic_path, read_json, write_text

FIGURES = {
    "loss": "loss",
    "learning_rate": "learning_rate",
    "grad_norm": "grad_norm",
    "rewards/margins": "margin",
    "rewards/accuracies": "accuracy",
    "logps/chosen": "logp_chosen",
    "logps/rejected": "logp_rejected",
    "eval_loss": "eval_loss",
    "eval_rewards/margins": "eval_margin",
    "eval_rewards/accuracies": "eval_accuracy",
}
"""What is kept of trl's log, by its name there, and its name here."""


def write_adapter(trainer: Any, folder: Path, seed: str) -> None:
    """Save the trained adapter alone, as PEFT and vLLM read it, and the tokenizer.

    Two trainings that did the same write the same bytes: the configuration names the seed by ``seed``, a
    path relative to the project, and lists its modules in order. Everything else that a trainer saves
    (its arguments, a model card, DPO's frozen reference) stays behind.
    """
    with TemporaryDirectory() as name:
        saved = Path(name)
        trainer.save_model(name)
        if not trainer.is_world_process_zero():
            return
        config = read_json(saved / "adapter_config.json")
        config["base_model_name_or_path"] = seed
        config["target_modules"] = sorted(config["target_modules"])
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        write_text(folder / "adapter_config.json", json.dumps(config, indent=2, sort_keys=True) + "\n")
        shutil.copyfile(saved / "adapter_model.safetensors", folder / "adapter_model.safetensors")
        trainer.processing_class.save_pretrained(folder)


def write_curve(path: Path, history: list[dict[str, float]]) -> None:
    """Write the training curve as CSV: a row a logged step, with the columns of FIGURES that were logged.

    An evaluation stands in the row of the step that it followed; a cell without a figure is empty.
    """
    steps: dict[float, dict[str, float]] = {}
    for entry in history[:-1]:
        row = steps.setdefault(entry["step"], {"step": entry["step"], "epoch": entry["epoch"]})
        row |= {FIGURES[key]: value for key, value in entry.items() if key in FIGURES}
    measured = {column for row in steps.values() for column in row}
    columns = [column for column in ("step", "epoch", *FIGURES.values()) if column in measured]
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(steps.values())


def training_metrics(state: TrainerState, examples: int, tokens_before: int) -> dict[str, float]:
    """Summarise a finished training on ``examples`` rows, which went on after ``tokens_before`` tokens.

    Returns:
        train_examples; tokens, over all epochs, without padding; runtime_seconds and tokens_per_second,
        evaluations included, since it was last started; steps; train_loss, the mean over the last epoch;
        and, of the evaluation of the kept weights, kept_epoch, eval_loss, eval_margin and eval_accuracy,
        those that were measured.
    """
    *history, summary = state.log_history
    last_epoch = [
        entry["loss"] for entry in history if "loss" in entry and entry["epoch"] > summary["epoch"] - 1
    ]
    tokens, seconds = summary["num_input_tokens_seen"], summary["train_runtime"]
    metrics = {
        "train_examples": examples,
        "tokens": tokens,
        "tokens_per_second": (tokens - tokens_before) / seconds,
        "steps": summary["step"],
        "train_loss": sum(last_epoch) / len(last_epoch),
        "runtime_seconds": seconds,
    }
    kept = state.best_global_step or summary["step"]
    for entry in history:
        if "eval_loss" in entry and entry["step"] == kept:
            metrics["kept_epoch"] = entry["epoch"]
            metrics |= {FIGURES[key]: entry[key] for key in FIGURES if key in entry}
    return metrics
