"""Running a trl trainer: fast on a CPU too, watched, resumed where it was killed, and written down."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import trl.trainer.utils as trl_utils
from peft.helpers import disable_input_dtype_casting
from transformers import PrinterCallback

from charter.project.errors import CharterError
from charter.project.paths import CorpusPaths
from charter.training.checkpoints import CheckpointSchedule, checkpoint_step, last_checkpoint, remove_stale
from charter.training.kernels import fused
from charter.training.monitor import TrainingMonitor
from charter.training.outcome import training_metrics, write_adapter, write_curve


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
    checkpoint = last_checkpoint(run)
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(TrainingMonitor(stage))
    trainer.add_callback(CheckpointSchedule())
    with fast_on_every_device(trainer.model):
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    history = trainer.state.log_history
    write_adapter(trainer, paths.adapter(stage), paths.seed.relative_to(paths.root).as_posix())
    if trainer.is_world_process_zero():
        write_curve(paths.curve(stage), history)
        shutil.rmtree(run.parent)
    resumed_at = 0 if checkpoint is None else checkpoint_step(checkpoint)
    return training_metrics(history, examples, resumed_at, trainer.state.best_global_step)


def expect_all_rows(given: int, kept: int) -> None:
    """Check that trl kept every row when it tokenised them.

    Raises:
        CharterError: It dropped some.
    """
    if kept != given:
        raise CharterError(f"trl dropped {given - kept} of {given} training rows; check the version of trl")


@contextmanager
def fast_on_every_device(model: Any) -> Iterator[None]:
    """Leave out work of trl and peft that changes no result.

    Without Triton, trl scores all positions and masks them afterwards, to spare devices that compile for
    each shape. A CPU doesn't, and the prompt's positions, two thirds of a row, times a vocabulary of
    49,152 would be a large part of the work: labelled ones are scored alone.

    peft casts the input of each adapter to the adapter's float32, and autocast casts it back to bfloat16:
    a round trip through memory for every linear layer.

    What a CPU does best in one go is fused (`charter.training.kernels`).
    """
    uses_triton = trl_utils._use_triton
    trl_utils._use_triton = lambda _device: True
    try:
        with disable_input_dtype_casting(model), fused(model):
            yield
    finally:
        trl_utils._use_triton = uses_triton
