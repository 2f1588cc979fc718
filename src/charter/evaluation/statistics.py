"""Intervals and tests for figures measured on items that come in clusters.

Questions about one chunk are not independent, so chunks are what is resampled and swapped, never single
items. Every metric here is a `Measure`: rows that are summed over the items, and a function from the sums to
the figure. A mean is one, and so is corpus BLEU, whose n-gram counts are summed before anything is divided.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from charter.evaluation.results import UNMEASURED, Comparison, Contrast, Estimate

Array = NDArray[np.float64]

CONFIDENCE = 0.95

RANDOMISATION_ROUNDS = 10_000
"""Rounds of the randomisation test: p is at least 1/10,001, which Holm over a table's rows can bear."""

POWER = 0.8
"""Of the smallest difference that can be found: the share of samples in which it is found."""

_TIE = 1e-12
"""Two figures nearer than this are the same figure, computed in another order."""


@dataclass(frozen=True)
class Resampling:
    """How many resamples are behind an interval, and their seed: the same seed draws the same ones."""

    samples: int
    seed: int


@dataclass(frozen=True)
class Measure:
    """A metric of n items: ``rows`` (n, d), and ``value``, from sums of rows (..., d) to figures (...)."""

    rows: Array
    value: Callable[[Array], Array]


def mean_measure(values: Sequence[float] | Array) -> Measure:
    """Return the measure whose figure is the mean of the items' values."""
    scores = np.asarray(values, dtype=np.float64)
    rows = np.stack([scores, np.ones_like(scores)], axis=1)
    return Measure(rows, lambda totals: totals[..., 0] / totals[..., 1])


def perplexity_measure(log_probs: Sequence[float] | Array, tokens: Sequence[float] | Array) -> Measure:
    """Return the measure exp(-sum of log-probs / sum of tokens), of items' log-probs in nats and tokens."""
    rows = np.stack([np.asarray(log_probs, np.float64), np.asarray(tokens, np.float64)], axis=1)
    return Measure(rows, lambda totals: np.exp(-totals[..., 0] / totals[..., 1]))


class ClusteredBootstrap:
    """Resamples of the clusters of one list of items, the same for every measure of those items.

    Intervals take their ends from the resampled figures at the bias-corrected and accelerated percentiles
    (BCa, Efron 1987; the acceleration from leaving out one cluster at a time), with the normal quantile in
    them replaced by sqrt(C / (C - 1)) t, t from Student's distribution with C - 1 degrees of freedom
    (Hesterberg 2015, What Teachers Should Know About the Bootstrap, section 5.3). C is the effective number
    of clusters (Kish 1965), (sum of sizes)^2 / sum of squared sizes. On simulated skewed scores and BLEU in
    30 clusters of 1 to 8 items, plain percentile intervals cover the truth in 91 % of cases, these in 94 %.
    With one cluster there is no interval.
    """

    def __init__(self, clusters: Sequence[str], resampling: Resampling) -> None:
        """``clusters`` has the cluster of each item, in the order of the rows of the measures."""
        _, self._cluster_of, sizes = np.unique(np.array(clusters), return_inverse=True, return_counts=True)
        self._count = len(sizes)
        self._effective = max(2.0, float(sizes.sum() ** 2 / (sizes**2).sum()))
        self._seed = resampling.seed
        generator, shares = np.random.default_rng(self._seed), np.full(self._count, 1 / self._count)
        draws = generator.multinomial(self._count, shares, size=resampling.samples)
        everything = np.ones((1, self._count))
        self._weights = np.concatenate([everything, everything - np.eye(self._count), draws])

    def estimate(self, measure: Measure) -> Estimate:
        """Return the figure of all items, with its interval."""
        return self._estimate(self._figures(measure), len(measure.rows))

    def difference(self, first: Measure, second: Measure) -> Estimate:
        """Return first - second on the same items, with its interval over the same resamples of both."""
        return self._estimate(self._figures(first) - self._figures(second), len(first.rows))

    def ratio(self, first: Measure, second: Measure) -> Estimate | None:
        """Return first / second on the same items, with its interval; None where second is 0.

        Resamples in which second alone is 0 count as boundless: ``high`` is None where they reach it. Those
        in which both are 0 say nothing of a ratio and are left out. There is no interval where one cluster
        alone has all of second.
        """
        own, base = self._figures(first), self._figures(second)
        if base[0] <= _TIE:
            return None
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = np.where(base > _TIE, own / base, np.where(own > _TIE, np.inf, np.nan))
        return self._estimate(ratios, len(first.rows))

    def smallest(self, first: Measure, second: Measure) -> float | None:
        """Return the smallest true difference that would be found in POWER of samples like this one.

        Found means at a two-sided 5 %, so it is 1.96 + 0.84 standard errors of the difference, a standard
        error being the spread of the resamples. None with one cluster, and where nothing differs at all.
        """
        if self._count == 1:
            return None
        resampled = self._resampled(self._figures(first) - self._figures(second))
        error = np.std(resampled) * np.sqrt(self._effective / (self._effective - 1))
        if error <= _TIE:
            return None
        return float((stats.norm.ppf((1 + CONFIDENCE) / 2) + stats.norm.ppf(POWER)) * error)

    def compare(self, contrast: Contrast, first: Measure, second: Measure) -> Comparison:
        """Return everything that is said of two systems in one metric, p not corrected yet."""
        system, against, metric = contrast
        return Comparison(
            system=system,
            against=against,
            metric=metric,
            difference=self.difference(first, second),
            p=self.randomisation_p(first, second),
            ratio=self.ratio(first, second),
            smallest=self.smallest(first, second),
        )

    def randomisation_p(self, first: Measure, second: Measure) -> float:
        """Return the two-sided p of paired approximate randomisation (Noreen 1989).

        Under the hypothesis that the two systems don't differ, who gave the answers of a cluster may be
        swapped. p is the share of random swaps with a difference at least as large, the observed one counted.
        """
        a, b = self._sums(first), self._sums(second)
        moved = self._swaps @ (b - a)
        swapped = first.value(a.sum(axis=0) + moved) - second.value(b.sum(axis=0) - moved)
        observed = abs(float(first.value(a.sum(axis=0)) - second.value(b.sum(axis=0))))
        as_large = int(np.count_nonzero(np.abs(swapped) >= observed - _TIE))
        return (as_large + 1) / (RANDOMISATION_ROUNDS + 1)

    @cached_property
    def _swaps(self) -> Array:
        """1 where a cluster's answers change sides in a round; kept, as a table has many comparisons."""
        generator = np.random.default_rng([self._seed, 1])
        return generator.integers(0, 2, size=(RANDOMISATION_ROUNDS, self._count)).astype(np.float64)

    def _sums(self, measure: Measure) -> Array:
        sums = np.zeros((self._count, measure.rows.shape[1]))
        np.add.at(sums, self._cluster_of, measure.rows)
        return sums

    def _figures(self, measure: Measure) -> Array:
        """Return the figure of all clusters, then of all but each, then of every resample."""
        return measure.value(self._weights[: 1 if self._count == 1 else None] @ self._sums(measure))

    def _resampled(self, figures: Array) -> Array:
        return figures[1 + self._count :]

    def _estimate(self, figures: Array, n: int) -> Estimate:
        """Return the figure of all clusters with its BCa interval, from what `_figures` returns."""
        value, left_out = float(figures[0]), figures[1 : 1 + self._count]
        resampled = self._resampled(figures)
        resampled = resampled[~np.isnan(resampled)]
        if not len(resampled) or not np.isfinite(left_out).all():
            return Estimate(value=value, low=None, high=None, n=n)
        t = stats.t.ppf((1 + CONFIDENCE) / 2, self._effective - 1)
        reach = np.sqrt(self._effective / (self._effective - 1)) * t
        below = np.mean(resampled < value - _TIE) + np.mean(np.abs(resampled - value) <= _TIE) / 2
        bias = stats.norm.ppf(np.clip(below, 1 / len(resampled), 1 - 1 / len(resampled)))
        influence = left_out.mean() - left_out
        spread = float((influence**2).sum())
        acceleration = float((influence**3).sum()) / (6 * spread**1.5) if spread > _TIE else 0.0
        ends = bias + np.array([-reach, reach])
        shift = ends / np.maximum(1 - acceleration * ends, _TIE)  # few clusters: to the outermost resample
        with np.errstate(invalid="ignore"):  # between two boundless resamples
            ends = np.quantile(resampled, stats.norm.cdf(bias + shift))
        low, high = (float(end) if np.isfinite(end) else None for end in ends)
        return Estimate(value=value, low=low, high=high, n=n)


def clustered_share(successes: Sequence[float], clusters: Sequence[str]) -> Estimate:
    """Return the share of successes with Wilson's score interval at the effective sample size.

    A bootstrap of ten successes in ten gives the interval [1, 1]. Here the items count as many as they are
    worth, n_eff = p (1 - p) / v with v the variance of p between clusters, and as the number of clusters
    where all items agree; the normal quantile is Student's t with C - 1 degrees of freedom (Korn and Graubard
    1998; Dean and Pagano 2015). With one cluster there is no interval, and without items no share.
    A success is 1, 0, or 1/2 for a tie.
    """
    values = np.asarray(successes, dtype=np.float64)
    n = len(values)
    if n == 0:
        return UNMEASURED
    share = float(values.mean())
    _, cluster_of = np.unique(np.array(clusters), return_inverse=True)
    residuals = np.bincount(cluster_of, weights=values - share)
    count = len(residuals)
    if count == 1:
        return Estimate(value=share, low=None, high=None, n=n)
    variance = count / (count - 1) * float(residuals @ residuals) / n**2
    binomial = share * (1 - share)
    effective = min(binomial / variance, n) if variance > 0 and binomial > 0 else count
    t = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1))
    centre = (share + t**2 / (2 * effective)) / (1 + t**2 / effective)
    reach = t * np.sqrt(binomial / effective + t**2 / (4 * effective**2)) / (1 + t**2 / effective)
    # Of a share of 0 or 1 the end is the share itself, but for rounding.
    low, high = float(min(share, max(0.0, centre - reach))), float(max(share, min(1.0, centre + reach)))
    return Estimate(value=share, low=low, high=high, n=n)


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


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for testing all of them (Holm 1979), in the order given."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    corrected = np.empty_like(p)
    corrected[order] = np.maximum.accumulate(np.minimum(1.0, np.arange(len(p), 0, -1) * p[order]))
    return list(map(float, corrected))
