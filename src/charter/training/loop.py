"""What the trainings share: trl's arguments, the order of the rows, and the run, watched and written down."""

import io
import math
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from datasets import disable_progress_bars
from peft.helpers import disable_input_dtype_casting
from torch.utils.data import Sampler
from tqdm import tqdm
from transformers import PrinterCallback, TrainerCallback
from transformers.trainer_utils import get_last_checkpoint

from charter.project.devices import resolve_device, resolve_dtype
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.training_sections import Dpo, Optimization, Sft
from charter.training.checkpoints import CheckpointSchedule, remove_stale
from charter.training.kernels import fused
from charter.training.outcome import training_metrics, write_adapter, write_curve

POOL = 8
"""Steps whose rows are sorted by length together: enough to match lengths, few enough to mix the rows."""

EXPLODED = 20.0
"""Nats, twice the loss of a uniform guess over 49,152 tokens; at ten times the first loss, no way back."""


def trainer_arguments(
    kind: Callable[..., Any],
    settings: Optimization,
    params: Params,
    run: Path,
    evaluated: bool = False,
    **others: Any,
) -> Any:
    """Make an SFTConfig or DPOConfig (``kind``) of what they have in common, and of ``others``.

    Checkpoints go to the folder ``run``. Where the training is ``evaluated``, an evaluation follows each
    epoch; with ``best_epoch`` it ends with the weights that had the lowest loss on the held-out rows.
    """
    best_epoch = evaluated and isinstance(settings, Sft | Dpo) and settings.best_epoch
    device = resolve_device(params.compute)
    arguments = kind(
        output_dir=str(run),
        learning_rate=settings.learning_rate,
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=settings.batch_size,
        gradient_accumulation_steps=settings.gradient_accumulation,
        warmup_steps=settings.warmup_share,
        weight_decay=settings.weight_decay,
        max_length=settings.max_length,
        activation_checkpointing=settings.gradient_checkpointing,
        bf16=resolve_dtype(params.compute) is torch.bfloat16,
        use_cpu=device.type == "cpu",
        dataloader_pin_memory=device.type == "cuda",
        seed=params.seed,
        logging_steps=1,
        logging_nan_inf_filter=False,
        eval_strategy="epoch" if evaluated else "no",
        save_strategy="best" if best_epoch else "no",
        load_best_model_at_end=best_epoch,
        metric_for_best_model="eval_loss" if best_epoch else None,
        # The last one stays until the next is sealed.
        save_total_limit=2,
        include_num_input_tokens_seen="non_padding",
        # Every adapter weight has its part in every step.
        ddp_find_unused_parameters=False,
        report_to="none",
        disable_tqdm=True,
        **others,
    )
    # A process has one GPU; the Trainer would give each of those it sees a batch.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments


def silence_libraries() -> None:
    """Leave out the progress bars of datasets, and in a log those of trl."""
    disable_progress_bars()
    if not sys.stderr.isatty():
        os.environ["TQDM_DISABLE"] = "1"


def run_training(trainer: Any, stage: str, paths: CorpusPaths, examples: int) -> dict[str, float]:
    """Train, write the adapter and the curve of ``stage``, and return its metrics.

    A checkpoint in the trainer's folder is where it starts; when all is written the folder is removed.
    Of several processes the main one writes.

    Raises:
        CharterError: The training diverged.
    """
    run = Path(trainer.args.output_dir)
    with trainer.args.main_process_first(local=False):
        if trainer.is_world_process_zero():
            remove_stale(run)
    monitor = TrainingMonitor(stage)
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(monitor)
    trainer.add_callback(CheckpointSchedule())
    # peft would cast each layer's input to the adapter's float32, and autocast back to bfloat16.
    uncast = disable_input_dtype_casting(trainer.model) if trainer.args.bf16 else nullcontext()
    with uncast, fused(trainer.args.device):
        trainer.train(resume_from_checkpoint=get_last_checkpoint(run))
    write_adapter(trainer, paths.adapter(stage), paths.seed.relative_to(paths.root).as_posix())
    if trainer.is_world_process_zero():
        write_curve(paths.curve(stage), trainer.state.log_history)
        shutil.rmtree(run.parent)
    return training_metrics(trainer.state, examples, monitor.tokens_before)


def expect_all_rows(given: int, kept: int) -> None:
    """Check that trl kept every row when it tokenised them.

    Raises:
        CharterError: It dropped some.
    """
    if kept != given:
        raise CharterError(f"trl dropped {given - kept} of {given} training rows; check the version of trl")


class TrainingMonitor(TrainerCallback):  # type: ignore[misc]
    """Shows the loss and the time left: on a terminal as a bar, in a log as a line each tenth of the steps.

    Raises CharterError where the loss or the gradient is not finite, or the loss has exploded.
    """

    def __init__(self, stage: str):
        self.stage = stage
        self.bar: Any = None
        self.terminal = sys.stderr.isatty()
        self.tokens_before = 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Open the bar, at the step where a resumed training goes on."""
        self.tokens_before = state.num_input_tokens_seen
        self.bar = tqdm(
            initial=state.global_step,
            total=state.max_steps,
            desc=self.stage,
            unit="step",
            disable=not state.is_world_process_zero,
            file=sys.stderr if self.terminal else io.StringIO(),
        )

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Move the bar."""
        self.bar.update()

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
        """Show the loss; check that it is one."""
        if "loss" not in logs:
            return
        loss, gradient = logs["loss"], logs.get("grad_norm", 0.0)
        self.bar.set_postfix(loss=f"{loss:.3f}")
        tenth = math.ceil(state.max_steps / 10)
        if state.is_world_process_zero and not self.terminal and state.global_step % tenth == 0:
            sys.stderr.write(f"{self.bar}\n")
        exploded = loss > max(EXPLODED, 10 * state.log_history[0]["loss"])
        if exploded or not (math.isfinite(loss) and math.isfinite(gradient)):
            raise CharterError(
                f"{self.stage} diverged at step {state.global_step}: loss {loss:.4g}, gradient norm "
                f"{gradient:.4g}; lower {self.stage}.learning_rate or raise {self.stage}.warmup_share"
            )

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Close the bar."""
        self.bar.close()


class LengthGroupedSampler(Sampler[int]):
    """Row numbers such that the rows of one step are of like length: a fifth of a random batch is padding.

    The rows are shuffled and sorted by length in pools of POOL steps, and the steps are shuffled again; an
    incomplete one comes last. The order depends on ``seed`` and the ``epoch`` alone, which is counted from 0
    in fractions: a resumed training goes on in the order it had, and the processes of one training take their
    parts of the same steps, ``rows_a_step`` over all of them. (The sampler of this name in transformers draws
    from the global generator, and hardly groups fewer than a hundred steps.)
    """

    def __init__(self, lengths: Sequence[int], rows_a_step: int, seed: int, epoch: Callable[[], float]):
        self.lengths, self.rows_a_step, self.seed, self.epoch = lengths, rows_a_step, seed, epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed + int(self.epoch()))
        rows = torch.randperm(len(self.lengths), generator=generator).tolist()
        steps: list[list[int]] = []
        for start in range(0, len(rows), POOL * self.rows_a_step):
            pool = sorted(rows[start : start + POOL * self.rows_a_step], key=lambda row: -self.lengths[row])
            steps += [pool[at : at + self.rows_a_step] for at in range(0, len(pool), self.rows_a_step)]
        incomplete = [steps.pop()] if len(rows) % self.rows_a_step else []
        shuffled = [steps[at] for at in torch.randperm(len(steps), generator=generator).tolist()]
        return (row for step in shuffled + incomplete for row in step)


class LengthGrouped:
    """Mixed into a trl trainer, gives it that order."""

    def _get_train_sampler(self: Any, train_dataset: Any = None) -> LengthGroupedSampler:
        return LengthGroupedSampler(
            [padded_length(row) for row in train_dataset or self.train_dataset],
            self.args.train_batch_size * self.args.gradient_accumulation_steps * self.args.world_size,
            self.args.seed,
            lambda: self.state.epoch or 0,
        )


def padded_length(row: dict[str, Any]) -> int:
    """Return the tokens of a tokenised row; of a preference pair, those of its longer side."""
    if "input_ids" in row:
        return len(row["input_ids"])
    return len(row["prompt_ids"]) + max(len(row["chosen_ids"]), len(row["rejected_ids"]))
