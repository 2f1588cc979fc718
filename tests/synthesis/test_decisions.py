"""What a verdict decides, at its threshold too."""

import math

import pytest

from charter.generation.engine import Completion
from charter.synthesis.decisions import (
    LEAN_PRIOR,
    Decision,
    Evidence,
    decide_support,
    decide_verification,
    lean_to_yes,
    read_evidence,
)


def verdict(probability: float, first: str = "Yes", other: str = " no") -> Completion:
    """A verdict whose two words have nine tenths of the mass."""
    shares = ((first, 0.9 * probability), (other, 0.9 * (1 - probability)), ("Maybe", 0.1))
    return Completion(text=first, tokens=1, alternatives=tuple((word, math.log(p)) for word, p in shares))


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


def test_evidence_is_for_yes_whichever_response_comes_first() -> None:
    likely, unlikely = verdict(0.9, "True", "False"), verdict(0.75, "True", "False")
    evidence = read_evidence(verdict(0.8), likely, unlikely, "Yes, you may.")
    assert evidence is not None
    assert (evidence.answer, evidence.contrast) == pytest.approx((math.log(4), math.log(3)))
    assert read_evidence(verdict(0.8), unlikely, likely, "No, you may not.") == evidence


def test_the_lean_is_the_mean_of_the_readable_and_of_items_without_one() -> None:
    batch = [Evidence(1.0, 3.0), None, Evidence(2.0, 1.0)] * 40
    lean = lean_to_yes(batch)
    assert (lean.answer, lean.contrast) == pytest.approx((120 / (80 + LEAN_PRIOR), 160 / (80 + LEAN_PRIOR)))
    assert lean_to_yes([]) == Evidence(0.0, 0.0)


@pytest.mark.parametrize(
    ("evidence", "response", "score"),
    [
        (Evidence(1.75, 4.0), "Yes, you may.", 0.75),  # the answer is the weaker
        (Evidence(3.0, 2.5), "Yes, you may.", 0.5),  # the contrast is
        (Evidence(0.5, 1.0), "No, you may not.", 0.5),  # beyond the lean No is meant, though Yes is likelier
        (Evidence(0.5, 2.5), "No, you may not.", -0.5),  # they disagree
        (Evidence(0.5, 2.5), "Yes, you may.", -0.5),
    ],
)
def test_the_weaker_evidence_beyond_the_lean_decides_verification(
    evidence: Evidence, response: str, score: float
) -> None:
    decision = decide_verification(evidence, Evidence(1.0, 2.0), response, 0.5)
    assert decision.score == pytest.approx(score)
    assert decision.kept == (score >= 0.5)


def test_an_unreadable_verdict_is_refused_whatever_the_threshold() -> None:
    assert decide_support(UNREADABLE, None, "Helmets.", 0.0) == Decision(None, kept=False)
    readable = verdict(0.9, "True", "False")
    assert decide_support(readable, UNREADABLE, "No, never.", 0.0) == Decision(None, kept=False)
    verdicts = (verdict(0.8), readable, readable)
    for place in range(len(verdicts)):
        broken = (*verdicts[:place], UNREADABLE, *verdicts[place + 1 :])
        assert read_evidence(*broken, "Yes, you may.") is None
    assert decide_verification(None, Evidence(0, 0), "No, you may not.", -9.0) == Decision(None, kept=False)
