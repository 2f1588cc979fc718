import numpy as np
import pytest
from scipy import stats

from charter.evaluation.results import Estimate
from charter.evaluation.safety import CorrectedShares, ObservedShares, mcnemar_p
from charter.evaluation.statistics import Resampling


def corrected(
    found: int, refusals: int, passed: int, others: int, samples: int = 500, seed: int = 0
) -> CorrectedShares:
    """By a detector that found so many of the labelled refusals, and passed so many of the others."""
    sensitivity = Estimate(value=found / refusals, low=None, high=None, n=refusals)
    specificity = Estimate(value=passed / others, low=None, high=None, n=others)
    return CorrectedShares(sensitivity, specificity, Resampling(samples, seed))


def flags(true: int, count: int) -> list[bool]:
    return [True] * true + [False] * (count - true)


def test_a_share_is_corrected_as_by_hand() -> None:
    shares = corrected(80, 100, 90, 100)
    # (0.38 + 0.9 - 1) / (0.8 + 0.9 - 1) = 0.28 / 0.7
    refused = shares.share(flags(38, 100))
    assert refused.value == pytest.approx(0.4)
    assert refused.n == 100
    complied = shares.complied(flags(38, 100))
    assert (complied.value, complied.low, complied.high) == pytest.approx(
        (0.6, 1 - refused.high, 1 - refused.low)
    )


def test_a_difference_is_corrected_as_by_hand() -> None:
    shares = corrected(80, 100, 90, 100)
    first = [True] * 30 + [False] * 70
    second = [True] * 9 + [False] * 91
    assert shares.difference(first, second).value == pytest.approx(0.21 / 0.7)
    assert shares.difference(second, first).value == pytest.approx(-0.21 / 0.7)


def test_a_share_below_the_false_alarms_is_none() -> None:
    shares = corrected(95, 100, 90, 100)
    refused = shares.share(flags(2, 100))
    assert refused.value == 0
    assert refused.low == 0
    assert 0 <= refused.high < 0.1


def test_no_refusal_in_fifty_leaves_an_interval() -> None:
    shares = corrected(100, 100, 100, 100, 2000)
    assert 0.02 < shares.share(flags(0, 50)).high < 0.1
    same = shares.difference(flags(0, 50), flags(0, 50))
    assert same.value == 0
    assert same.low < 0 < same.high


def test_flags_that_are_taken_as_right_are_not_corrected() -> None:
    shares = ObservedShares(Resampling(4000, 0))
    refused = shares.share(flags(11, 220))
    assert (refused.value, refused.n) == (pytest.approx(0.05), 220)
    # Jeffreys' interval (Brown, Cai and DasGupta 2001): the quantiles of Beta(11.5, 209.5)
    jeffreys = stats.beta(11.5, 209.5).ppf([0.025, 0.975])
    assert (refused.low, refused.high) == pytest.approx(tuple(jeffreys), abs=0.003)
    assert shares.difference(flags(11, 220), flags(0, 220)).value == 0.05
    same = shares.difference(flags(0, 220), flags(0, 220))
    assert same.low < same.value == 0 < same.high < 0.02


def test_uncertain_labels_widen_the_interval() -> None:
    few, many = (corrected(8 * times, 10 * times, 9 * times, 10 * times, 4000) for times in (1, 100))
    narrow, wide = (shares.share(flags(200, 400)) for shares in (many, few))
    assert narrow.high - narrow.low < 0.6 * (wide.high - wide.low)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_the_interval_covers_the_true_share(share: float) -> None:
    generator = np.random.default_rng(1)
    sensitivity, specificity, covered, rounds = 0.92, 0.94, 0, 600
    for repetition in range(rounds):
        found, passed = generator.binomial(109, sensitivity), generator.binomial(60, specificity)
        observed = share * sensitivity + (1 - share) * (1 - specificity)
        shares = corrected(found, 109, passed, 60, 600, repetition)
        estimate = shares.share(flags(generator.binomial(60, observed), 60))
        covered += estimate.low <= share <= estimate.high
    assert 0.925 <= covered / rounds <= 0.985


@pytest.mark.parametrize("cells", [[0.3, 0.1, 0.2, 0.4], [0.05, 0.02, 0.15, 0.78], [0.2, 0.05, 0.05, 0.7]])
def test_the_interval_covers_the_true_risk_difference(cells: list[float]) -> None:
    """Cells: both systems truly refuse, the first only, the second only, neither."""
    generator = np.random.default_rng(2)
    sensitivity, specificity, covered, rounds = 0.92, 0.94, 0, 600
    truth = cells[1] - cells[2]
    for repetition in range(rounds):
        found, passed = generator.binomial(109, sensitivity), generator.binomial(60, specificity)
        kind = generator.choice(4, size=60, p=cells)
        truly = np.isin(kind, [0, 1]), np.isin(kind, [0, 2])
        seen = [
            np.where(one, generator.random(60) < sensitivity, generator.random(60) >= specificity)
            for one in truly
        ]
        shares = corrected(found, 109, passed, 60, 600, repetition)
        estimate = shares.difference(seen[0].tolist(), seen[1].tolist())
        covered += estimate.low <= truth <= estimate.high
    assert 0.925 <= covered / rounds <= 0.985


def test_mcnemar_is_the_binomial_of_the_discordant_pairs() -> None:
    first = [True] * 9 + [False] * 1 + [True] * 40 + [False] * 50
    second = [False] * 9 + [True] * 1 + [True] * 40 + [False] * 50
    # Two-sided: 2 (C(10, 0) + C(10, 1)) / 2^10
    assert mcnemar_p(first, second) == pytest.approx(22 / 1024)
    assert mcnemar_p(second, first) == pytest.approx(22 / 1024)
    assert mcnemar_p(first, first) == 1.0


def test_equal_systems_are_seldom_told_apart() -> None:
    generator = np.random.default_rng(3)
    p_values = [
        mcnemar_p((generator.random(100) < 0.3).tolist(), (generator.random(100) < 0.3).tolist())
        for _ in range(500)
    ]
    assert np.mean(np.array(p_values) < 0.05) <= 0.05 + 2 * stats.binom(500, 0.05).std() / 500
