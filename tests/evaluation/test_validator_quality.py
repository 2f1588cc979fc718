"""The quality of a validator, against scikit-learn and against what is known of the intervals."""

from math import sqrt

import numpy as np
import pytest
from sklearn import metrics

from charter.evaluation.results import Estimate
from charter.evaluation.statistics import clustered_share
from charter.evaluation.validator_quality import ValidatorQuality, measure_validator


def measure(scores: list[float | None], labels: list[bool], minimum: float = 0.5) -> ValidatorQuality:
    return measure_validator(scores, minimum, labels, [str(number // 2) for number in range(len(labels))])


@pytest.mark.parametrize("seed", range(12))
def test_figures_are_those_of_scikit_learn(seed: int) -> None:
    generator = np.random.default_rng(seed)
    n = int(generator.integers(8, 60))
    labels = [True, False, *(generator.random(n) < generator.uniform(0.2, 0.8)).tolist()]
    scores = np.round(generator.random(n + 2) + 0.3 * np.array(labels), 1).tolist()  # rounded: with ties
    kept = [score >= 0.5 for score in scores]
    quality = measure(scores, labels)
    assert quality.n == n + 2
    assert quality.unscored == 0
    for estimate, expected in (
        (quality.precision, metrics.precision_score(labels, kept)),
        (quality.recall, metrics.recall_score(labels, kept)),
        (quality.accuracy, metrics.accuracy_score(labels, kept)),
        (quality.balanced_accuracy, metrics.balanced_accuracy_score(labels, kept)),
        (quality.auc, metrics.roc_auc_score(labels, scores)),
    ):
        assert estimate.value == pytest.approx(expected)
        assert estimate.low is not None
        assert estimate.high is not None
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert (quality.precision.n, quality.recall.n) == (sum(kept), sum(labels))


def test_shares_count_what_they_say_with_the_clusters_of_those_items() -> None:
    labels = [True, True, False, True, False, False, True, False]
    quality = measure([0.9, 0.8, 0.7, 0.1, 0.2, 0.6, 0.5, 0.4], labels)
    assert quality.precision == clustered_share([1, 1, 0, 0, 1], ["0", "0", "1", "2", "3"])
    assert quality.recall == clustered_share([1, 1, 0, 1], ["0", "0", "1", "3"])


def test_balanced_accuracy_has_the_interval_of_two_independent_shares() -> None:
    quality = measure([0.9, 0.1, 0.9, 0.9, 0.9, 0.1, 0.1, 0.1] * 3, [True, True, True, False] * 6)
    recall, balanced = quality.recall, quality.balanced_accuracy
    refused = clustered_share([0, 1] * 3, [str(number) for number in (1, 3, 5, 7, 9, 11)])
    assert recall.low is not None
    assert refused.low is not None
    assert balanced.value == pytest.approx((recall.value + refused.value) / 2)
    below = sqrt((recall.value - recall.low) ** 2 + (refused.value - refused.low) ** 2) / 2
    assert balanced.low == pytest.approx(balanced.value - below)


def test_unreadable_verdicts_are_refused_and_last() -> None:
    quality = measure([0.9, None, 0.1, 0.2], [True, True, False, False])
    assert quality.unscored == 1
    assert quality.recall.value == 0.5
    assert quality.auc.value == 0.5


def test_nothing_kept_says_nothing_of_precision() -> None:
    quality = measure([0.1, 0.2, 0.3, 0.4], [True, False, True, False])
    assert quality.precision == Estimate(value=0.0, low=None, high=None, n=0)
    assert quality.recall.value == 0


def test_a_perfect_validator_is_not_proven_perfect() -> None:
    quality = measure([0.9] * 16 + [0.1] * 16, [True] * 16 + [False] * 16)
    shares = (quality.precision, quality.recall, quality.accuracy, quality.balanced_accuracy)
    for estimate in (*shares, quality.auc):
        assert estimate.value == estimate.high == 1
        assert estimate.low is not None
        assert 0.5 < estimate.low < 0.95


def test_turning_the_scores_round_mirrors_the_auc_and_its_interval() -> None:
    generator = np.random.default_rng(5)
    scores, labels = generator.random(20), [True, False] * 10
    auc, mirrored = measure(scores.tolist(), labels).auc, measure((-scores).tolist(), labels).auc
    assert auc.low is not None
    assert auc.high is not None
    found = (mirrored.low, mirrored.value, mirrored.high)
    assert found == pytest.approx((1 - auc.high, 1 - auc.value, 1 - auc.low))


@pytest.mark.parametrize(("shift", "area"), [(0.0, 0.5), (1.0, 0.7602), (2.0, 0.9214)])
def test_the_interval_of_the_auc_covers_the_truth(shift: float, area: float) -> None:
    """Normal scores ``shift`` apart have the AUC Phi(shift / sqrt 2)."""
    generator = np.random.default_rng(8)
    labels = [True] * 16 + [False] * 16
    rounds, covered = 500, 0
    for _ in range(rounds):
        auc = measure((generator.normal(size=32) + shift * np.array(labels)).tolist(), labels).auc
        covered += auc.low is not None and auc.high is not None and auc.low <= area <= auc.high
    assert 0.92 <= covered / rounds <= 0.99
