"""What a verdict of the teacher decides: said once, for synthesis and for measuring its validators."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from charter.generation.engine import Completion
from charter.generation.verdict import choice_probability

YES_OR_NO, TRUE_OR_FALSE = ("Yes", "No"), ("True", "False")
"""The words that verdicts are asked for in; models know them in any language."""


@dataclass(frozen=True)
class Decision:
    """Whether a text is kept, and the score that says so; the score of an unreadable verdict is None."""

    score: float | None
    kept: bool


def decide_value(verdict: Completion) -> Decision:
    """Keep a passage of which the teacher rather says Yes; the score is its probability."""
    return _decide(choice_probability(verdict, *YES_OR_NO)[0], 0.5)


def decide_support(
    truth: Completion, again: Completion | None, word: str | None, min_support: float
) -> Decision:
    """Keep an answer that is true by the chunk, and whose Yes or No the teacher gives again.

    ``truth`` is the verdict on the answer, ``word`` the Yes or No that the answer begins with, and ``again``
    the verdict on its question where it does. The score is the lesser probability.
    """
    probabilities = [choice_probability(truth, *TRUE_OR_FALSE)[0]]
    if again is not None:
        words = ("Yes", "No") if word == "Yes" else ("No", "Yes")
        probabilities.append(choice_probability(again, *words)[0])
    known = [probability for probability in probabilities if probability is not None]
    return _decide(min(known) if len(known) == len(probabilities) else None, min_support)


@dataclass(frozen=True)
class Evidence:
    """Log-odds of Yes to a scenario, in nats: by the chunk, by its rule alone and by the opposite."""

    passage: float
    rule: float
    opposite: float


@dataclass(frozen=True)
class YesBias:
    """A teacher's bias to Yes (acquiescence), in nats, whatever it reads: by a rule, and by a passage."""

    rule: float
    passage: float


def read_evidence(passage: Completion, rule: Completion, opposite: Completion) -> Evidence | None:
    """Read the verdicts by a scenario's chunk, by its rule and by the opposite; None if one is unreadable."""
    odds = _log_odds(*YES_OR_NO, passage, rule, opposite)
    return Evidence(*odds) if odds else None


def measure_yes_bias(batch: Sequence[Evidence | None], prior: int) -> YesBias:
    """Return a teacher's bias to Yes in a batch of scenarios.

    A rule and its opposite have opposite answers, so half of each two are Yes however many scenarios are,
    and their mean is the bias. That of passages differs from it by the mean difference between the
    passage's answer and its rule's, which are answers to the same scenarios. Both are taken for less, as if
    ``prior`` scenarios without a bias were among them, since the mean of a few says little (batch
    calibration; Zhou et al., 2024, arXiv 2309.17249, with a balance of our own).
    """
    known = [evidence for evidence in batch if evidence is not None]
    count = len(known) + prior
    by_rule = sum((evidence.rule + evidence.opposite) / 2 for evidence in known) / count
    return YesBias(by_rule, by_rule + sum(evidence.passage - evidence.rule for evidence in known) / count)


def decide_verification(evidence: Evidence | None, bias: YesBias, word: str, min_margin: float) -> Decision:
    """Keep a Yes or No that the passage gives, and its rule, and that the rule's opposite moves away from.

    The score is the least of three, in nats: beyond the batch's bias, what the passage and what the rule say
    for the word, and half of what lies between the rule and its opposite: where that is nothing, the rule
    doesn't decide the scenario, or wasn't turned round.
    """
    if evidence is None:
        return Decision(None, kept=False)
    moved = (evidence.rule - evidence.opposite) / 2
    beyond = (evidence.passage - bias.passage, evidence.rule - bias.rule, moved)
    sign = 1 if word == "Yes" else -1
    return _decide(min(sign * nats for nats in beyond), min_margin)


def decide_opposite(rule: Completion, opposite: Completion, min_margin: float) -> Decision:
    """Keep a rule and its opposite where the chunk makes the rule the truer.

    The score is half of what lies between the log-odds of True of both, in nats.
    """
    odds = _log_odds(*TRUE_OR_FALSE, rule, opposite)
    return _decide((odds[0] - odds[1]) / 2 if odds else None, min_margin)


def decide_pair(faithful: Completion, unfaithful: Completion, min_margin: float) -> Decision:
    """Keep two responses of which, each judged by itself, one keeps to the rule and the other doesn't.

    The score is the lesser of the log-odds, in nats, that the faithful one does and the other doesn't.
    """
    odds = _log_odds(*YES_OR_NO, faithful, unfaithful)
    return _decide(min(odds[0], -odds[1]) if odds else None, min_margin)


def _decide(score: float | None, minimum: float) -> Decision:
    return Decision(score, kept=score is not None and score >= minimum)


def _log_odds(word: str, other: str, *verdicts: Completion) -> list[float] | None:
    """Return the log-odds of a word by each verdict, None if one is unreadable."""
    probabilities = [choice_probability(verdict, word, other)[0] for verdict in verdicts]
    clipped = [min(max(known, 1e-9), 1 - 1e-9) for known in probabilities if known is not None]
    odds = [math.log(probability / (1 - probability)) for probability in clipped]
    return odds if len(odds) == len(verdicts) else None
