"""What is seen of a training while it runs: its progress, and that it diverges."""

import math
from typing import Any

from tqdm import tqdm
from transformers import TrainerCallback

from charter.project.errors import CharterError

EXPLODED = 20.0
"""Nats, twice the loss of a uniform guess over 49,152 tokens; at ten times the first loss, no way back."""


class TrainingMonitor(TrainerCallback):  # type: ignore[misc]
    """A progress bar with the loss and the time left; stops a training whose loss isn't a number any more.

    Raises:
        CharterError: The loss or the gradient is not finite, or the loss has exploded.
    """

    def __init__(self, stage: str):
        self.stage = stage
        self.first_loss: float | None = None
        self.bar: Any = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Open the bar, at the step where a resumed training goes on."""
        self.first_loss = next((entry["loss"] for entry in state.log_history if "loss" in entry), None)
        self.bar = tqdm(
            initial=state.global_step,
            total=state.max_steps,
            desc=self.stage,
            unit="step",
            disable=None if state.is_world_process_zero else True,
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
        if self.first_loss is None:
            self.first_loss = loss
        exploded = loss > max(EXPLODED, 10 * self.first_loss)
        if exploded or not (math.isfinite(loss) and math.isfinite(gradient)):
            raise CharterError(
                f"{self.stage} diverged at step {state.global_step}: loss {loss:.4g}, gradient norm "
                f"{gradient:.4g}; lower {self.stage}.learning_rate or raise {self.stage}.warmup_share"
            )

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Close the bar."""
        self.bar.close()
