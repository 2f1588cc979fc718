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

    def problem(self, score_text: str) -> str | None:
        """Return why the text is refused, None where it is kept; ``score_text`` has a place for the score."""
        if self.kept:
            return None
        return "no verdict" if self.score is None else score_text.format(self.score)


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
    """What speaks for Yes as the answer to a scenario, in nats of log-odds.

    ``passage``: by the whole chunk; ``rule``: by its rule alone; ``opposite``: by the opposite of the rule.
    """

    passage: float
    rule: float
    opposite: float


@dataclass(frozen=True)
class YesBias:
    """A teacher's bias to Yes (acquiescence), in nats, whatever it reads: by a rule, and by a passage."""

    rule: float
    passage: float


YES_BIAS_PRIOR = 8
"""Pseudo-count: as many items without a bias are added to a batch, since the mean of a few says little."""


def read_evidence(passage: Completion, rule: Completion, opposite: Completion) -> Evidence | None:
    """Read the verdicts by a scenario's chunk, by its rule and by the opposite; None if one is unreadable."""
    by_passage, by_rule, by_opposite = (_log_odds(said, "Yes", "No") for said in (passage, rule, opposite))
    if by_passage is None or by_rule is None or by_opposite is None:
        return None
    return Evidence(by_passage, by_rule, by_opposite)


def measure_yes_bias(batch: Sequence[Evidence | None]) -> YesBias:
    """Return a teacher's bias to Yes in a batch of scenarios.

    A rule and its opposite have opposite answers, so half of each two are Yes however many scenarios are,
    and their mean is the bias. That of passages differs from it by the mean difference between the
    passage's answer and its rule's, which are answers to the same scenarios. Both are taken for less, by
    YES_BIAS_PRIOR (batch calibration; Zhou et al., 2024, arXiv 2309.17249, with a balance of our own).
    """
    known = [evidence for evidence in batch if evidence is not None]
    count = len(known) + YES_BIAS_PRIOR
    by_rule = sum((evidence.rule + evidence.opposite) / 2 for evidence in known) / count
    return YesBias(by_rule, by_rule + sum(evidence.passage - evidence.rule for evidence in known) / count)


def decide_verification(evidence: Evidence | None, bias: YesBias, word: str, min_margin: float) -> Decision:
    """Keep a Yes or No that the passage gives, and its rule, and that the rule's opposite moves away from.

    Where the opposite moves nothing, the rule doesn't decide the scenario, or wasn't turned round.

    The score is the least of three, in nats: beyond the batch's bias, what the passage and what the rule say
    for the word, and half of what lies between the rule and its opposite.
    """
    if evidence is None:
        return Decision(None, kept=False)
    moved = (evidence.rule - evidence.opposite) / 2
    beyond = (evidence.passage - bias.passage, evidence.rule - bias.rule, moved)
    sign = 1 if word == "Yes" else -1
    return _decide(min(sign * nats for nats in beyond), min_margin)


def decide_opposite(rule: Completion, opposite: Completion, min_margin: float) -> Decision:
    """Keep a rule and its opposite where the chunk makes the rule the truer.

    The verdicts are those on `charter.synthesis.requests.TeacherRequests.support`. The score is half of what
    lies between the log-odds of both, in nats.
    """
    of_rule, of_opposite = (_log_odds(said, "True", "False") for said in (rule, opposite))
    if of_rule is None or of_opposite is None:
        return Decision(None, kept=False)
    return _decide((of_rule - of_opposite) / 2, min_margin)


def _decide(score: float | None, minimum: float) -> Decision:
    return Decision(score, kept=score is not None and score >= minimum)


def _log_odds(verdict: Completion, word: str, other: str) -> float | None:
    probability, _ = choice_probability(verdict, word, other)
    if probability is None:
        return None
    clipped = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(clipped / (1 - clipped))
