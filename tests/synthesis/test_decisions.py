"""What a verdict decides, at its threshold too."""

import math
from dataclasses import replace

import pytest

from charter.generation.engine import Completion
from charter.synthesis.decisions import Decision, Verdicts, decide_support, decide_verification


def verdict(probability: float, first: str = "Yes", other: str = " no") -> Completion:
    """A verdict whose two words have nine tenths of the mass."""
    shares = ((first, 0.9 * probability), (other, 0.9 * (1 - probability)), ("Maybe", 0.1))
    return Completion(text=first, tokens=1, alternatives=tuple((word, math.log(p)) for word, p in shares))


def pair(answer: float, first: float = 0.7, second: float = 0.7) -> Verdicts:
    """Verdicts on a pair; as given, both responses are equally true."""
    return Verdicts(verdict(answer), verdict(first, "True", "False"), verdict(second, "True", "False"))


UNREADABLE = Completion(text="Perhaps", tokens=1, alternatives=(("Perhaps", -0.1),))


def test_support_is_the_probability_of_true_and_its_threshold_is_kept() -> None:
    exact = decide_support(verdict(0.75, "True", "false"), None, "Helmets.", 0.75 - 1e-12)
    assert exact.score == pytest.approx(0.75)
    assert exact.kept
    assert not decide_support(verdict(0.74, "True", "false"), None, "Helmets.", 0.75).kept
    certain = Completion(text="True", tokens=1, alternatives=(("True", -0.5),))
    assert decide_support(certain, None, "Helmets.", 1.0) == Decision(1.0, kept=True)


@pytest.mark.parametrize(
    ("truth", "yes", "answer", "score"),
    [(0.9, 0.8, "Yes, always.", 0.8), (0.9, 0.8, "No, never.", 0.2), (0.3, 0.2, "No, never.", 0.3)],
)
def test_support_of_a_yes_or_no_is_the_weaker_of_two_verdicts(
    truth: float, yes: float, answer: str, score: float
) -> None:
    decision = decide_support(verdict(truth, "True", "False"), verdict(yes), answer, 0.5)
    assert decision.score == pytest.approx(score)
    assert decision.kept == (score >= 0.5)


@pytest.mark.parametrize(("response", "sign"), [("Yes, you may.", 1), ("No, you may not.", -1)])
def test_verification_scores_the_word_that_the_response_begins_with(response: str, sign: int) -> None:
    decision = decide_verification(pair(0.8, first=0.99, second=0.01), response, 0.25)
    assert decision.score == pytest.approx(sign * math.log(4))
    assert decision.kept == (sign > 0)


@pytest.mark.parametrize(
    ("verdicts", "score"),
    [
        (pair(0.6, 0.9, 0.2), math.log(1.5)),  # the word
        (pair(0.8, 0.6, 0.1), math.log(1.5)),  # the truth
        (pair(0.9, 0.9, 0.75), math.log(3) - 1.0),  # the contrast
        (pair(0.9, 0.4, 0.1), math.log(2 / 3)),  # false, though truer than its opposite
        (pair(0.9, 0.9, 0.8), math.log(9 / 4) - 1.0),  # not truer by the margin
        (pair(0.3, 0.9, 0.1), math.log(3 / 7)),  # the other word
    ],
)
def test_the_weakest_evidence_decides_verification(verdicts: Verdicts, score: float) -> None:
    decision = decide_verification(verdicts, "Yes, you may.", 1.0)
    assert decision.score == pytest.approx(score)
    assert decision.kept == (score >= 0)


def test_an_unreadable_verdict_is_refused_whatever_the_threshold() -> None:
    assert decide_support(UNREADABLE, None, "Helmets.", 0.0) == Decision(None, kept=False)
    readable = verdict(0.9, "True", "False")
    assert decide_support(readable, UNREADABLE, "No, never.", 0.0) == Decision(None, kept=False)
    readable = pair(0.8)
    for part in ("answer", "first", "second"):
        verdicts = replace(readable, **{part: UNREADABLE})
        assert decide_verification(verdicts, "No, you may not.", -9.0) == Decision(None, kept=False)
