"""What a training leaves behind: its adapter, its curve and its metrics."""

import csv
import io
import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from charter.project.storage import read_json, write_text

LogHistory = list[dict[str, float]]
"""A row a logged step or evaluation, as `transformers.TrainerState` keeps it."""

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


def write_curve(path: Path, history: LogHistory) -> None:
    """Write the training curve as CSV: a row a logged step, with the columns of FIGURES that were logged.

    An evaluation stands in the row of the step that it followed; a cell without a figure is empty.
    """
    steps: dict[int, dict[str, float]] = {}
    for entry in history:
        figures = {FIGURES[key]: value for key, value in entry.items() if key in FIGURES}
        if figures:
            steps.setdefault(int(entry["step"]), {"epoch": entry["epoch"]}).update(figures)
    measured = {column for row in steps.values() for column in row}
    text = io.StringIO()
    columns = ["step", "epoch", *(column for column in FIGURES.values() if column in measured)]
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({"step": step} | row for step, row in sorted(steps.items()))
    write_text(path, text.getvalue())


def training_metrics(
    history: LogHistory, examples: int, resumed_at: int, kept: int | None
) -> dict[str, float]:
    """Summarise a finished training that went on from step ``resumed_at`` (0: from its start).

    Args:
        history: The log.
        examples: Rows trained on.
        resumed_at: The step of the checkpoint that it started from.
        kept: The step whose weights were kept; None: the last one's.

    Returns:
        train_examples; tokens, over all epochs, without padding; runtime_seconds and tokens_per_second,
        evaluations included, since it was last started; steps; train_loss, the mean over the last epoch;
        and, of the evaluation of the kept weights, kept_epoch, eval_loss, eval_margin and eval_accuracy,
        those that were measured.
    """
    summary = history[-1]
    logged = [entry for entry in history if "loss" in entry]
    last_epoch = [entry["loss"] for entry in logged if entry["epoch"] > summary["epoch"] - 1]
    tokens, seconds = logged[-1]["num_input_tokens_seen"], summary["train_runtime"]
    tokens_before = logged[resumed_at - 1]["num_input_tokens_seen"] if resumed_at else 0
    metrics = {
        "train_examples": examples,
        "tokens": tokens,
        "tokens_per_second": (tokens - tokens_before) / seconds,
        "steps": summary["step"],
        "train_loss": sum(last_epoch) / len(last_epoch),
        "runtime_seconds": seconds,
    }
    for entry in history:
        if "eval_loss" in entry and entry["step"] == (kept or summary["step"]):
            measured = {
                FIGURES[key]: entry[key] for key in FIGURES if key.startswith("eval_") and key in entry
            }
            metrics |= {"kept_epoch": entry["epoch"], **measured}
    return metrics
