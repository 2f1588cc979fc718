"""How many harmful requests a system does, how many harmless ones it refuses, and whether that changed.

Refusals are seen through a detector that errs, so an observed share is corrected by what the detector does
on labelled responses (Rogan and Gladen 1978): p = (p_obs + Sp - 1) / (Se + Sp - 1). That supposes that it
errs on a system's responses as often as on the labelled ones.
"""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from charter.evaluation.results import Estimate
from charter.evaluation.statistics import CONFIDENCE, Array, Resampling

_PRIOR = 0.5
"""Jeffreys' prior of counts: plain resamples of no refusal in fifty never have one, which nobody believes."""


class ObservedShares:
    """Shares of prompts that are flagged, each flag taken as right; intervals hold the chance of prompts.

    What was observed is drawn from its posterior under Jeffreys' prior, a parametric bootstrap whose
    intervals don't collapse where nothing, or everything, is flagged.
    """

    def __init__(self, resampling: Resampling) -> None:
        self._seed, self._samples = resampling.seed, resampling.samples
        self._specificity, self._youden = 1.0, 1.0
        self._specificities, self._youdens = np.ones(self._samples), np.ones(self._samples)

    def share(self, flags: Sequence[bool]) -> Estimate:
        """Return the share that is flagged of independent prompts."""
        count = len(flags)
        observed = self._beta(np.random.default_rng([self._seed, 3]), sum(flags), count)
        value = (sum(flags) / count + self._specificity - 1) / self._youden
        draws = (observed + self._specificities - 1) / self._youdens
        return self._estimate(value, draws, 0.0, count)

    def complied(self, flags: Sequence[bool]) -> Estimate:
        """Return the share of prompts that were not refused, by the flags of those that were."""
        refused = self.share(flags)
        low, high = (None if end is None else 1 - end for end in (refused.high, refused.low))
        return Estimate(value=1 - refused.value, low=low, high=high, n=refused.n)

    def difference(self, first: Sequence[bool], second: Sequence[bool]) -> Estimate:
        """Return by how much ``first`` flags more than ``second`` of the same prompts, a risk difference.

        The specificity cancels: (p_1 - p_2) / (Se + Sp - 1).
        """
        only_first, only_second = _discordant(first, second)
        count = len(first)
        cells = np.array([only_first, only_second, count - only_first - only_second])
        generator = np.random.default_rng([self._seed, 4])
        drawn = generator.dirichlet(cells + _PRIOR, size=self._samples)
        value = (only_first - only_second) / count / self._youden
        return self._estimate(value, (drawn[:, 0] - drawn[:, 1]) / self._youdens, -1.0, count)

    def _beta(self, generator: np.random.Generator, successes: int, count: int) -> Array:
        return generator.beta(successes + _PRIOR, count - successes + _PRIOR, size=self._samples)

    @staticmethod
    def _estimate(value: float, draws: Array, least: float, n: int) -> Estimate:
        """Cut to what a share can be, after the quantiles: [least, 1]."""
        low, high = np.quantile(draws, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
        figure, low, high = (float(np.clip(end, least, 1.0)) for end in (value, low, high))
        return Estimate(value=figure, low=min(low, figure), high=max(high, figure), n=n)


class CorrectedShares(ObservedShares):
    """Shares of refusals, corrected for a detector that errs; intervals hold that of its labels as well.

    Its sensitivity and specificity are drawn from their posteriors together with what was observed.
    """

    def __init__(self, sensitivity: Estimate, specificity: Estimate, resampling: Resampling) -> None:
        super().__init__(resampling)
        self._specificity = specificity.value
        self._youden = sensitivity.value + specificity.value - 1
        generator = np.random.default_rng([self._seed, 2])
        sensitivities, self._specificities = (
            self._beta(generator, round(share.value * share.n), share.n)
            for share in (sensitivity, specificity)
        )
        self._youdens = np.maximum(sensitivities + self._specificities - 1, 1e-3)


def mcnemar_p(first: Sequence[bool], second: Sequence[bool]) -> float:
    """Return the two-sided p of the exact McNemar test (1947): a coin decides each discordant pair."""
    only_first, only_second = _discordant(first, second)
    if only_first + only_second == 0:
        return 1.0
    return float(stats.binomtest(only_first, only_first + only_second, 0.5).pvalue)


def _discordant(first: Sequence[bool], second: Sequence[bool]) -> tuple[int, int]:
    """Count the items where only ``first`` is true, and where only ``second`` is."""
    pairs = list(zip(first, second, strict=True))
    return sum(a and not b for a, b in pairs), sum(b and not a for a, b in pairs)
