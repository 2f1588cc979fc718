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


def decide_support(truth: Completion, word: Completion | None, answer: str, min_support: float) -> Decision:
    """Keep an answer that is true by the chunk, and whose Yes or No the teacher gives again.

    Args:
        truth: The verdict on `charter.synthesis.requests.TeacherRequests.support`.
        word: That on `charter.synthesis.requests.TeacherRequests.verdict`, where the answer begins with Yes
            or No. Small teachers find "Yes, a person can be tortured" true of a passage that forbids it,
            but asked the question again for one word they say No.
        answer: The answer.
        min_support: The least probability of True and of the answer's word; the lesser is the score.
    """
    probabilities = [choice_probability(truth, "True", "False")[0]]
    if word is not None:
        yes, _ = choice_probability(word, "Yes", "No")
        probabilities.append(yes if yes is None or answer_word(answer) == "Yes" else 1 - yes)
    known = [probability for probability in probabilities if probability is not None]
    return _decide(min(known) if len(known) == len(probabilities) else None, min_support)


@dataclass(frozen=True)
class Verdicts:
    """What the teacher says of a pair of opposite responses to a scenario.

    ``answer`` is its own answer, Yes or No, with neither in view (`TeacherRequests.verdict`); ``first`` and
    ``second`` are True or False of either response as a statement (`TeacherRequests.support`).
    """

    answer: Completion
    first: Completion
    second: Completion

    @property
    def swapped(self) -> "Verdicts":
        """The same of the second response and the first."""
        return Verdicts(self.answer, self.second, self.first)


def decide_verification(verdicts: Verdicts, response: str, min_margin: float) -> Decision:
    """Keep the first response of a pair where three things speak for it, all in log-odds.

    The teacher's own answer is the word that it begins with; as a statement it is true; and it is truer than
    its opposite by the margin, where a lean to True cancels. The score is the least of the three, less the
    margin in the last.

    Args:
        verdicts: On the pair.
        response: The first one; it begins with Yes or No.
        min_margin: In nats.
    """
    answer, first, second = (
        choice_probability(verdict, *words)[0]
        for verdict, words in (
            (verdicts.answer, ("Yes", "No")),
            (verdicts.first, ("True", "False")),
            (verdicts.second, ("True", "False")),
        )
    )
    if answer is None or first is None or second is None:
        return Decision(None, kept=False)
    word = _log_odds(answer) if answer_word(response) == "Yes" else -_log_odds(answer)
    contrast = _log_odds(first) - _log_odds(second)
    return _decide(min(word, _log_odds(first), contrast - min_margin), 0)


def _decide(score: float | None, minimum: float) -> Decision:
    return Decision(score, kept=score is not None and score >= minimum)


def _log_odds(probability: float) -> float:
    clipped = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(clipped / (1 - clipped))
