"""What a verdict decides, at its threshold too."""

import math

import pytest

from charter.generation.engine import Completion
from charter.synthesis.decisions import (
    Decision,
    Evidence,
    YesBias,
    decide_opposite,
    decide_pair,
    decide_support,
    decide_value,
    decide_verification,
    measure_yes_bias,
    read_evidence,
)


def verdict(probability: float, first: str = "Yes", other: str = " no") -> Completion:
    """A verdict whose two words have nine tenths of the mass."""
    shares = ((first, 0.9 * probability), (other, 0.9 * (1 - probability)), ("Maybe", 0.1))
    return Completion(text=first, tokens=1, alternatives=tuple((word, math.log(p)) for word, p in shares))


UNREADABLE = Completion(text="Perhaps", tokens=1, alternatives=(("Perhaps", -0.1),))


def test_support_is_the_probability_of_true_and_its_threshold_is_kept() -> None:
    exact = decide_support(verdict(0.75, "True", "false"), None, None, 0.75 - 1e-12)
    assert exact.score == pytest.approx(0.75)
    assert exact.kept
    assert not decide_support(verdict(0.74, "True", "false"), None, None, 0.75).kept
    certain = Completion(text="True", tokens=1, alternatives=(("True", -0.5),))
    assert decide_support(certain, None, None, 1.0) == Decision(1.0, kept=True)


@pytest.mark.parametrize(
    ("truth", "yes", "word", "score"),
    [(0.9, 0.8, "Yes", 0.8), (0.9, 0.8, "No", 0.2), (0.3, 0.2, "No", 0.3)],
)
def test_support_of_a_yes_or_no_is_the_weaker_of_two_verdicts(
    truth: float, yes: float, word: str, score: float
) -> None:
    decision = decide_support(verdict(truth, "True", "False"), verdict(yes), word, 0.5)
    assert decision.score == pytest.approx(score)
    assert decision.kept == (score >= 0.5)


def test_evidence_is_the_log_odds_of_yes_by_each_text() -> None:
    evidence = read_evidence(verdict(0.8), verdict(0.9), verdict(0.25))
    assert evidence is not None
    assert (evidence.passage, evidence.rule, evidence.opposite) == pytest.approx(
        (math.log(4), math.log(9), -math.log(3))
    )


@pytest.mark.parametrize("share_of_yes", [0.0, 0.3, 1.0])
def test_the_bias_is_found_however_many_answers_are_yes(share_of_yes: float) -> None:
    """A teacher with a bias to Yes of .7 nats by a rule, and by .2 more by a passage."""
    count, prior = 200, 8
    batch = [
        Evidence(passage=0.9 + sign * 1.5, rule=0.7 + sign * 1.5, opposite=0.7 - sign * 1.5)
        for sign in (1 if number < share_of_yes * count else -1 for number in range(count))
    ]
    bias = measure_yes_bias([*batch, None], prior)
    shrunk = count / (count + prior)
    assert (bias.rule, bias.passage) == pytest.approx((0.7 * shrunk, 0.9 * shrunk))
    assert measure_yes_bias([], prior) == YesBias(0.0, 0.0)


@pytest.mark.parametrize(
    ("evidence", "word", "score"),
    [
        (Evidence(2.5, 4.0, 0.0), "Yes", 0.5),  # the passage is the weakest
        (Evidence(4.0, 1.75, 0.0), "Yes", 0.75),  # the rule is
        (Evidence(4.0, 3.0, 2.0), "Yes", 0.5),  # the opposite hardly moves it
        (Evidence(1.5, 0.5, 1.5), "No", 0.5),  # beyond the bias No is meant, though Yes is likelier
        (Evidence(1.0, 2.0, 0.0), "Yes", -1.0),  # passage and rule disagree
        (Evidence(1.0, 2.0, 0.0), "No", -1.0),
        (Evidence(4.0, 3.0, 3.0), "Yes", 0.0),  # the rule decides nothing, or wasn't turned round
    ],
)
def test_the_weakest_evidence_beyond_the_bias_decides_verification(
    evidence: Evidence, word: str, score: float
) -> None:
    decision = decide_verification(evidence, YesBias(rule=1.0, passage=2.0), word, 0.5)
    assert decision.score == pytest.approx(score)
    assert decision.kept == (score >= 0.5)


@pytest.mark.parametrize(
    ("rule", "opposite", "score"), [(0.9, 0.1, math.log(9)), (0.5, 0.5, 0.0), (0.2, 0.8, -math.log(4))]
)
def test_a_rule_must_be_truer_than_its_opposite(rule: float, opposite: float, score: float) -> None:
    verdicts = (verdict(rule, "True", "False"), verdict(opposite, "True", "False"))
    for margin in (score - 1e-9, score + 1e-9):
        decision = decide_opposite(*verdicts, margin)
        assert decision.score == pytest.approx(score)
        assert decision.kept == (margin < score)
    assert not decide_opposite(verdicts[0], UNREADABLE, -9.0).kept
    assert not decide_opposite(UNREADABLE, verdicts[1], -9.0).kept


@pytest.mark.parametrize(
    ("faithful", "unfaithful", "score"),
    [(0.9, 0.2, math.log(4)), (0.8, 0.05, math.log(4)), (0.9, 0.9, -math.log(9)), (0.2, 0.1, -math.log(4))],
)
def test_each_of_two_responses_is_judged_by_itself(faithful: float, unfaithful: float, score: float) -> None:
    verdicts = (verdict(faithful), verdict(unfaithful))
    for margin in (score - 1e-9, score + 1e-9):
        decision = decide_pair(*verdicts, margin)
        assert decision.score == pytest.approx(score)
        assert decision.kept == (margin < score)
    assert decide_pair(verdicts[0], UNREADABLE, -9.0) == Decision(None, kept=False)
    assert decide_pair(UNREADABLE, verdicts[1], -9.0) == Decision(None, kept=False)


def test_a_value_is_what_is_rather_one() -> None:
    assert decide_value(verdict(0.51)).kept
    assert not decide_value(verdict(0.49)).kept
    assert decide_value(UNREADABLE) == Decision(None, kept=False)


def test_an_unreadable_verdict_is_refused_whatever_the_threshold() -> None:
    assert decide_support(UNREADABLE, None, None, 0.0) == Decision(None, kept=False)
    readable = verdict(0.9, "True", "False")
    assert decide_support(readable, UNREADABLE, "No", 0.0) == Decision(None, kept=False)
    verdicts = (verdict(0.8), verdict(0.7), verdict(0.2))
    for place in range(len(verdicts)):
        broken = (*verdicts[:place], UNREADABLE, *verdicts[place + 1 :])
        assert read_evidence(*broken) is None
    assert decide_verification(None, YesBias(0, 0), "No", -9.0) == Decision(None, kept=False)
