"""What a verdict of the teacher decides: said once, for synthesis and for measuring its validators."""

import math
from dataclasses import dataclass

from charter.generation.engine import Completion
from charter.generation.verdict import choice_probability
from charter.synthesis.filters import answer_word


@dataclass(frozen=True)
class Decision:
    """Whether a text is kept, and the score that says so; the score of an unreadable verdict is None."""

    score: float | None
    kept: bool


def decide_support(verdict: Completion, min_support: float) -> Decision:
    """Keep an answer that the chunk supports.

    Args:
        verdict: On `charter.synthesis.requests.TeacherRequests.support`.
        min_support: The least probability of Yes, which is the score.
    """
    probability, _ = choice_probability(verdict, "Yes", "No")
    return _decide(probability, min_support)


def decide_verification(verdict: Completion, response: str, min_margin: float) -> Decision:
    """Keep a response that begins with the Yes or No that the teacher gives without seeing it.

    Args:
        verdict: On `charter.synthesis.requests.TeacherRequests.verdict`.
        response: Begins with Yes or No.
        min_margin: The least log-odds, in nats, of the word that it begins with; they are the score.
    """
    probability, _ = choice_probability(verdict, "Yes", "No")
    if probability is None:
        return Decision(None, kept=False)
    odds = _log_odds(probability)
    return _decide(odds if answer_word(response) == "Yes" else -odds, min_margin)


def _decide(score: float | None, minimum: float) -> Decision:
    return Decision(score, kept=score is not None and score >= minimum)


def _log_odds(probability: float) -> float:
    clipped = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(clipped / (1 - clipped))
