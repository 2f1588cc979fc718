"""The order in which a training sees its rows: shuffled anew each epoch, rows of like length together."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import Sampler

POOL = 8
"""Steps whose rows are sorted by length together: enough to match lengths, few enough to mix the rows."""


class LengthGroupedSampler(Sampler[int]):
    """Row numbers such that the rows of one step are of like length: a fifth of a random batch is padding.

    The rows are shuffled and sorted by length in pools of POOL steps, and the steps are shuffled again; an
    incomplete one comes last. The order depends on ``seed`` and the epoch alone: a resumed training goes on
    in the order it had, and the processes of one training, however many there are, take their parts of the
    same steps. (The sampler of this name in transformers draws from the global generator, and hardly
    groups fewer than a hundred steps.)

    Args:
        lengths: The tokens of each row.
        rows_a_step: The rows of an optimiser step, over all processes.
        seed: The training's seed.
        epoch: Gives the epoch under way, counted from 0, as transformers does, in fractions.
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
        rows = self.train_dataset if train_dataset is None else train_dataset
        return LengthGroupedSampler(
            [padded_length(row) for row in rows],
            self.args.train_batch_size * self.args.gradient_accumulation_steps * self.args.world_size,
            self.args.seed,
            lambda: self.state.epoch or 0,
        )


def padded_length(row: dict[str, Any]) -> int:
    """Return the tokens of a tokenised row; of a preference pair, those of its longer side."""
    if "input_ids" in row:
        return len(row["input_ids"])
    return len(row["prompt_ids"]) + max(len(row["chosen_ids"]), len(row["rejected_ids"]))
