"""What a verdict of the teacher decides: said once, for synthesis and for measuring its validators."""

import math
from collections.abc import Sequence
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
class Evidence:
    """What speaks for Yes, in nats of log-odds.

    ``answer``: of the teacher's own answer. ``contrast``: by how much it finds the response that says yes
    truer than the one that says no.
    """

    answer: float
    contrast: float


LEAN_PRIOR = 8
"""As many items without a lean are taken to be in a batch: of a few alone, the mean says little."""


def read_evidence(
    answer: Completion, truth: Completion, truth_of_other: Completion, response: str
) -> Evidence | None:
    """Read what a teacher says of a response to a scenario and its opposite; None where it can't be read.

    Args:
        answer: Its own answer, Yes or No, with neither in view
            (`charter.synthesis.requests.TeacherRequests.verdict`).
        truth: True or False of the response as a statement
            (`charter.synthesis.requests.TeacherRequests.support`).
        truth_of_other: The same of the opposite.
        response: The response; it begins with Yes or No.
    """
    yes, one, other = (
        choice_probability(verdict, *words)[0]
        for verdict, words in (
            (answer, ("Yes", "No")),
            (truth, ("True", "False")),
            (truth_of_other, ("True", "False")),
        )
    )
    if yes is None or one is None or other is None:
        return None
    contrast = _log_odds(one) - _log_odds(other)
    return Evidence(_log_odds(yes), contrast if answer_word(response) == "Yes" else -contrast)


def lean_to_yes(batch: Sequence[Evidence | None]) -> Evidence:
    """Return the evidence for Yes that a teacher finds in any scenario: the mean of a batch.

    Small teachers lean to Yes by about as much as a forbidding passage moves them to No. Half of the
    scenarios are asked for so that the answer is no, so what they have in common is not in the passages
    (batch calibration; Zhou et al., 2024, arXiv 2309.17249), less LEAN_PRIOR.
    """
    known = [evidence for evidence in batch if evidence is not None]
    count = len(known) + LEAN_PRIOR
    return Evidence(
        sum(evidence.answer for evidence in known) / count,
        sum(evidence.contrast for evidence in known) / count,
    )


def decide_verification(
    evidence: Evidence | None, lean: Evidence, response: str, min_margin: float
) -> Decision:
    """Keep a response for whose Yes or No both kinds of evidence speak, beyond the lean, by the margin.

    Args:
        evidence: On its pair.
        lean: Of the batch that the pair is in.
        response: It begins with Yes or No.
        min_margin: In nats; the score is the lesser of the two.
    """
    if evidence is None:
        return Decision(None, kept=False)
    sign = 1 if answer_word(response) == "Yes" else -1
    beyond = (evidence.answer - lean.answer, evidence.contrast - lean.contrast)
    return _decide(min(sign * nats for nats in beyond), min_margin)


def _decide(score: float | None, minimum: float) -> Decision:
    return Decision(score, kept=score is not None and score >= minimum)


def _log_odds(probability: float) -> float:
    clipped = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(clipped / (1 - clipped))
