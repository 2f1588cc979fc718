"""What a verdict decides, at its threshold too."""

import math

import pytest

from charter.generation.engine import Completion
from charter.synthesis.decisions import Decision, decide_support, decide_verification


def verdict(yes: float) -> Completion:
    """A verdict whose words have nine tenths of the mass."""
    words = (("Yes", math.log(0.9 * yes)), (" no", math.log(0.9 * (1 - yes))), ("Maybe", math.log(0.1)))
    return Completion(text="Yes", tokens=1, alternatives=words)


UNREADABLE = Completion(text="Perhaps", tokens=1, alternatives=(("Perhaps", -0.1),))


def test_support_is_the_probability_of_yes_and_its_threshold_is_kept() -> None:
    exact = decide_support(verdict(0.75), 0.75 - 1e-12)
    assert exact.score == pytest.approx(0.75)
    assert exact.kept
    assert not decide_support(verdict(0.74), 0.75).kept
    certain = Completion(text="Yes", tokens=1, alternatives=(("Yes", -0.5),))
    assert decide_support(certain, 1.0) == Decision(1.0, kept=True)


@pytest.mark.parametrize(("response", "sign"), [("Yes, you may.", 1), ("No, you may not.", -1)])
def test_verification_scores_the_word_that_the_response_begins_with(response: str, sign: int) -> None:
    decision = decide_verification(verdict(0.8), response, 0.25)
    assert decision.score == pytest.approx(sign * math.log(4))
    assert decision.kept == (sign > 0)


def test_a_lead_below_the_margin_is_refused() -> None:
    assert decide_verification(verdict(0.55), "Yes, you may.", 0.2).kept
    assert not decide_verification(verdict(0.55), "Yes, you may.", 0.25).kept


def test_an_unreadable_verdict_is_refused_whatever_the_threshold() -> None:
    assert decide_support(UNREADABLE, 0.0) == Decision(None, kept=False)
    assert decide_verification(UNREADABLE, "No, you may not.", -9.0) == Decision(None, kept=False)
