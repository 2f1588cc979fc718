"""Running a trl trainer: fast on a CPU too, watched, and written down."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import trl.trainer.utils as trl_utils
from transformers import PrinterCallback

from charter.errors import CharterError
from charter.paths import CorpusPaths
from charter.training.monitor import TrainingMonitor
from charter.training.outcome import training_metrics, write_adapter, write_curve


def run_training(trainer: Any, stage: str, paths: CorpusPaths, examples: int) -> dict[str, float]:
    """Train, write the adapter and the curve of ``stage``, and return its metrics.

    Raises:
        CharterError: The training diverged.
    """
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(TrainingMonitor(stage))
    with labelled_positions_only():
        trainer.train()
    write_adapter(trainer, paths.adapter(stage), paths.seed.relative_to(paths.root).as_posix())
    write_curve(paths.curve(stage), trainer.state.log_history)
    return training_metrics(trainer.state.log_history, examples)


def expect_all_rows(given: int, kept: int) -> None:
    """Check that trl kept every row when it tokenised them.

    Raises:
        CharterError: It dropped some.
    """
    if kept != given:
        raise CharterError(f"trl dropped {given - kept} of {given} training rows; check the version of trl")


@contextmanager
def labelled_positions_only() -> Iterator[None]:
    """Let trl compute log-probabilities at labelled positions alone, on every device.

    Without Triton, trl scores all positions and masks them afterwards, to spare devices that compile for
    each shape. A CPU doesn't, and the prompt's positions, two thirds of a row, times a vocabulary of
    49,152 would be a large part of the work.
    """
    uses_triton = trl_utils._use_triton
    trl_utils._use_triton = lambda _device: True
    try:
        yield
    finally:
        trl_utils._use_triton = uses_triton
