import numpy as np
import pytest
from scipy.special import expit

from charter.evaluation.statistics import Resampling
from charter.evaluation.win_rate import (
    IDENTICAL,
    PREFERENCE,
    SHUFFLED,
    WIN_RATE,
    Judge,
    judge_validity,
    length_controlled_rate,
    verdict_pairs,
    win_rate,
)
from charter.project.errors import CharterError
from charter.project.records import Judgement

JUDGE = Judge("a judge", "f" * 64, is_teacher=False, min_validity=0.7)
RESAMPLING = Resampling(500, 0)


def judged(
    comparison: str, item: int, a_first: float | None, b_first: float | None, chunk: int | None = None
) -> list[Judgement]:
    """Both verdicts on a pair, as the judge's probability of the answer shown first."""
    return [
        Judgement(
            id=f"{comparison}-{item}-{swapped}",
            item_id=str(item),
            chunk_id=str(item if chunk is None else chunk),
            comparison=comparison,
            swapped=swapped,
            probability_first=probability,
            mass=None if probability is None else 0.9,
        )
        for swapped, probability in ((False, a_first), (True, b_first))
    ]


def rate(*verdicts: tuple[float | None, float | None], lengths: tuple[int, int] = (10, 10)):
    rows = [row for item, (a, b) in enumerate(verdicts) for row in judged(WIN_RATE + "dpo", item, a, b)]
    pairs = verdict_pairs(rows)[WIN_RATE + "dpo"]
    return win_rate(pairs, {str(item): lengths for item in range(len(verdicts))}, RESAMPLING)


def test_a_score_is_the_mean_of_both_orders() -> None:
    estimate, detail = rate((0.9, 0.2), (0.4, 0.9), (0.8, 0.7))
    # s: (.9 + .8) / 2, (.4 + .1) / 2, (.8 + .3) / 2
    assert estimate.value == pytest.approx((0.85 + 0.25 + 0.55) / 3)
    assert (detail.wins, detail.ties, detail.losses) == (1, 1, 1)
    assert detail.consistency == pytest.approx(2 / 3)
    assert detail.first_position == pytest.approx(4 / 6)
    assert detail.mass == pytest.approx(0.9)


def test_equal_systems_have_one_half() -> None:
    estimate, detail = rate(*[(0.5, 0.5)] * 12)
    assert (estimate.value, estimate.low, estimate.high) == (0.5, 0.5, 0.5)
    assert (detail.wins, detail.ties, detail.losses) == (0, 12, 0)
    assert detail.length_controlled == pytest.approx(0.5)


def test_a_judge_that_always_says_the_first_gives_one_half() -> None:
    estimate, detail = rate(*[(0.99, 0.99)] * 12)
    assert estimate.value == pytest.approx(0.5)
    assert detail.ties == 12
    assert detail.first_position == 1
    assert detail.consistency == 0


def test_unparseable_verdicts_are_ties_and_their_span_is_told() -> None:
    estimate, detail = rate((None, None), (1.0, None), (1.0, 0.0))
    assert estimate.value == pytest.approx((0.5 + 0.75 + 1) / 3)
    assert detail.unparseable == 3
    assert detail.if_lost == pytest.approx((0 + 0.5 + 1) / 3)
    assert detail.if_won == 1
    assert detail.first_position == pytest.approx(2 / 3)


@pytest.mark.parametrize("missing", [0, 1])
def test_a_pair_judged_in_one_order_is_refused(missing: int) -> None:
    rows = judged(SHUFFLED, 7, 0.9, 0.1)
    del rows[missing]
    with pytest.raises(CharterError, match="control:shuffled: item 7 was not judged once in each order"):
        verdict_pairs(rows)


def test_a_pair_judged_twice_in_one_order_is_refused() -> None:
    rows = judged(SHUFFLED, 7, 0.9, 0.1)
    with pytest.raises(CharterError, match="once in each order"):
        verdict_pairs([*rows, rows[0]])


def test_the_length_controlled_rate_is_what_remains_at_equal_lengths() -> None:
    generator = np.random.default_rng(0)
    differences = generator.normal(40, 100, size=4000)
    theta, phi = 0.4, 1.5
    scores = expit(theta + phi * np.tanh(differences / differences.std()))
    assert length_controlled_rate(scores, differences) == pytest.approx(expit(theta), abs=0.01)
    assert scores.mean() > expit(theta) + 0.03


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_a_decided_contest_has_a_length_controlled_rate(score: float) -> None:
    rate_at_equal_length = length_controlled_rate(np.full(20, score), np.arange(20.0))
    assert rate_at_equal_length == pytest.approx(score, abs=0.02)


def test_length_explains_nothing_where_it_never_varies() -> None:
    scores = np.array([0.2, 0.9])
    assert length_controlled_rate(scores, np.array([30.0, 30.0])) == pytest.approx(0.55)


def controls(shuffled: tuple[float, float], identical: float, count: int = 30) -> list[Judgement]:
    rows = []
    for item in range(count):
        rows += judged(SHUFFLED, item, *shuffled)
        rows += judged(PREFERENCE, item, 0.8, 0.3 if item % 3 else 0.9)
        rows += judged(IDENTICAL, item, identical, identical)[:1]
    return rows


def test_a_judge_that_knows_right_from_wrong_is_valid() -> None:
    validity = judge_validity(controls((0.9, 0.2), identical=0.5), JUDGE, RESAMPLING)
    assert validity.valid
    assert validity.shuffled.value == 1
    assert validity.shuffled.low < 1
    assert validity.preference.value == pytest.approx(2 / 3)
    assert validity.identical.value == pytest.approx(0.5)
    assert validity.unparseable == 0


def test_a_judge_that_always_says_the_first_is_not_valid() -> None:
    validity = judge_validity(controls((0.97, 0.97), identical=0.97), JUDGE, RESAMPLING)
    assert not validity.valid
    assert validity.shuffled.value == pytest.approx(0.5)
    assert validity.identical.value == pytest.approx(0.97)
    assert validity.first_position > 0.8


def test_a_judge_that_is_shown_to_prefer_the_rejected_is_not_valid() -> None:
    rows = controls((0.9, 0.2), identical=0.5)
    right = [row for row in rows if row.comparison != PREFERENCE]
    for wrong, valid in ((0, True), (3, True), (12, False)):
        pairs = [row for item in range(wrong) for row in judged(PREFERENCE, item, 0.2, 0.9)]
        validity = judge_validity([*right, *pairs], JUDGE, RESAMPLING)
        assert validity.valid == valid
        assert validity.preference.n == wrong


def test_a_judge_is_not_valid_on_too_few_controls() -> None:
    assert not judge_validity(controls((0.9, 0.1), 0.5, count=4), JUDGE, RESAMPLING).valid
    empty = judge_validity([], JUDGE, RESAMPLING)
    assert not empty.valid
    assert empty.shuffled.n == 0
