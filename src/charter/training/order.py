"""The order in which a training sees its rows: shuffled anew each epoch, rows of like length together."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import Sampler
from transformers.trainer_pt_utils import get_length_grouped_indices


class LengthGroupedSampler(Sampler[int]):
    """Row numbers such that the rows of one step are of like length: a fifth of a random batch is padding.

    The order depends on ``seed`` and the epoch alone, unlike that of transformers' sampler of this name,
    which draws from the global generator: a resumed training goes on in the order it had, and every process
    of one training, however many there are, takes its part of the same steps.

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
        return iter(get_length_grouped_indices(self.lengths, self.rows_a_step, generator=generator))


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
