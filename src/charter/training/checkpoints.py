"""Checkpoints: a training that was killed goes on from its last one, and ends as if it had not been.

They lie outside DVC's outputs, which DVC deletes before a stage runs, in a folder named by everything that
determines the run. A checkpoint holds the adapter, the optimiser, the schedule, the generators of random
numbers and the log (`transformers.Trainer`), so that on a CPU the same bytes come out.
"""

import math
import os
import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from accelerate import PartialState
from transformers import TrainerCallback
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Row, content_id
from charter.project.storage import directory_sha256, write_text

CHECKPOINTS = 10
"""Checkpoints of a run: at most a tenth of the work is lost, and saving stays a small part of it."""

LIBRARIES = ("accelerate", "peft", "torch", "transformers", "trl")
SEAL = "complete"


def run_folder(
    stage: str, rows: Sequence[Sequence[Row]], params: Params, paths: CorpusPaths, start: Sequence[Path]
) -> Path:
    """Return the folder of a run's checkpoints, named by a hash of all that determines its result.

    ``rows`` are what is trained on and what is evaluated, ``start`` the folders of the first weights.
    """
    fingerprint = content_id(
        *(row.model_dump_json() for part in rows for row in part),
        *(str(len(part)) for part in rows),
        getattr(params, stage).model_dump_json(),
        params.compute.model_dump_json(),
        os.environ.get("WORLD_SIZE", "1"),
        str(params.seed),
        *(directory_sha256(folder) for folder in start),
        *(version(library) for library in LIBRARIES),
    )
    return paths.checkpoints(stage) / fingerprint


def remove_stale(folder: Path) -> None:
    """Remove the checkpoints of the stage's other runs, and what a kill left half-written of this one's."""
    others = [run for run in folder.parent.iterdir() if run != folder]
    half_written = [item for item in folder.glob(f"{PREFIX_CHECKPOINT_DIR}-*") if not (item / SEAL).exists()]
    for item in others + half_written:
        shutil.rmtree(item)


class CheckpointSchedule(TrainerCallback):  # type: ignore[misc]
    """Asks for CHECKPOINTS checkpoints at even distances; seals each when all processes have written theirs.

    One that falls on the end of an epoch waits for the evaluation there, which a resumed training would
    leave out; where there is an evaluation, it is written if that was the best yet.
    """

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ask for one within an epoch."""
        control.should_save = self._is_due(state) and not float(state.epoch).is_integer()

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ask for one after the evaluation."""
        control.should_save = self._is_due(state)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Seal what was written."""
        PartialState().wait_for_everyone()
        if state.is_world_process_zero:
            checkpoint = Path(args.output_dir) / f"{PREFIX_CHECKPOINT_DIR}-{state.global_step}"
            write_text(checkpoint / SEAL, "")

    def _is_due(self, state: Any) -> bool:
        step, last = int(state.global_step), int(state.max_steps)
        return step % math.ceil(last / CHECKPOINTS) == 0 and step < last
