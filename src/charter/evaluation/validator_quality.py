"""How good a validator is: what it keeps, by its scores of items, against their labels."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats
from sklearn.metrics import roc_auc_score

from charter.evaluation.results import Estimate, Result
from charter.evaluation.statistics import CONFIDENCE, clustered_share

_NEARLY = 1e-9
"""The variance of an AUC is 0 at 0 and at 1: bounds are looked for this far inside."""


class ValidatorQuality(Result):
    """What a validator gets right on ``n`` labelled items.

    ``precision`` is the share of true items among the kept ones (its n is 0 where none is kept); it holds
    for the labelled set's share of true items. ``recall`` is the share of true items that are kept,
    ``balanced_accuracy`` the mean of that and the share of false items that are refused. ``auc`` is the
    probability that a true item has a higher score than a false one, ties 1/2: .5 is chance. ``unscored``
    counts the items whose verdict could not be read: they are refused, and below all others in the AUC.
    """

    n: int
    unscored: int
    precision: Estimate
    recall: Estimate
    accuracy: Estimate
    balanced_accuracy: Estimate
    auc: Estimate


def measure_validator(
    scores: Sequence[float | None], threshold: float, labels: Sequence[bool], clusters: Sequence[str]
) -> ValidatorQuality:
    """Compare whether each item is kept with its label, which says whether to keep it; there must be both.

    Kept is what scores ``threshold`` or more; None is the score of a verdict that couldn't be read.
    Shares have Wilson's interval at the effective sample size (`clustered_share`), the balanced accuracy
    that of two independent shares combined by MOVER (Zou and Donner 2008), and the AUC the score interval of
    Newcombe (2006, Confidence intervals for an effect size measure based on the Mann-Whitney statistic, part
    2, method 5, Statistics in Medicine 25), which takes items for independent. ``clusters`` are their chunks.
    """
    scored = np.array([-math.inf if score is None else score for score in scores])
    kept, true, chunks = scored >= threshold, np.array(labels, dtype=bool), np.array(clusters)

    def share(successes: NDArray[np.bool_], among: NDArray[np.bool_]) -> Estimate:
        return clustered_share(successes[among].astype(np.float64).tolist(), chunks[among].tolist())

    recall = share(kept, true)
    return ValidatorQuality(
        n=len(scores),
        unscored=int(np.isneginf(scored).sum()),
        precision=share(true, kept),
        recall=recall,
        accuracy=share(kept == true, np.ones_like(true)),
        balanced_accuracy=_mean_of(recall, share(~kept, ~true)),
        auc=_auc(scored, true),
    )


def _mean_of(first: Estimate, second: Estimate) -> Estimate:
    value, n = (first.value + second.value) / 2, first.n + second.n
    if first.low is None or first.high is None or second.low is None or second.high is None:
        return Estimate(value=value, low=None, high=None, n=n)
    below = math.hypot(first.value - first.low, second.value - second.low) / 2
    above = math.hypot(first.high - first.value, second.high - second.value) / 2
    return Estimate(value=value, low=value - below, high=value + above, n=n)


def _auc(scores: NDArray[np.float64], true: NDArray[np.bool_]) -> Estimate:
    positives, negatives = int(true.sum()), int((~true).sum())
    pairs = positives * negatives
    value = float(roc_auc_score(true, np.nan_to_num(scores)))  # -inf is no number to it, the least one is
    z = float(stats.norm.ppf((1 + CONFIDENCE) / 2))
    size = (positives + negatives) / 2 - 1

    def excess(area: float) -> float:
        """Squared distance from the estimate beyond what ``area``, were it the truth, would allow."""
        spread = 1 + size * ((1 - area) / (2 - area) + area / (1 + area))
        return (value - area) ** 2 - z * z * area * (1 - area) * spread / pairs

    low = optimize.brentq(excess, 0, min(value, 1 - _NEARLY)) if value > 0 else 0.0
    high = optimize.brentq(excess, max(value, _NEARLY), 1) if value < 1 else 1.0
    return Estimate(value=value, low=float(low), high=float(high), n=len(scores))
