"""How far two judgements of the same items agree beyond chance."""

from collections.abc import Sequence

import numpy as np

from charter.evaluation.results import Estimate
from charter.evaluation.statistics import Array, ClusteredBootstrap, Measure, Resampling


def kappa(
    first: Sequence[bool], second: Sequence[bool], clusters: Sequence[str], resampling: Resampling
) -> Estimate:
    """Return Cohen's kappa (1960) of two yes-or-no judgements, with its interval over clusters.

    1 is full agreement, 0 that of chance. Where both give one and the same verdict throughout it is 1.
    """
    a, b = np.array(first, dtype=bool), np.array(second, dtype=bool)
    cells = np.stack([a & b, a & ~b, ~a & b, ~a & ~b], axis=1)
    return ClusteredBootstrap(clusters, resampling).estimate(Measure(cells.astype(np.float64), _kappa))


def _kappa(totals: Array) -> Array:
    """Return kappa of counts (..., 4): both yes, the first only, the second only, both no."""
    n = totals.sum(axis=-1)
    both, only_first, only_second, neither = (totals[..., cell] for cell in range(4))
    observed = (both + neither) / n
    yes = (both + only_first) * (both + only_second)
    no = (neither + only_first) * (neither + only_second)
    chance = (yes + no) / n**2
    return np.where(chance < 1, (observed - chance) / np.where(chance < 1, 1 - chance, 1), 1.0)
