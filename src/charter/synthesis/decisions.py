"""What verdicts of the teacher say together, in numbers: for synthesis, and for measuring its validators."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from charter.generation.engine import Completion
from charter.generation.verdict import choice_probability

YES_OR_NO, TRUE_OR_FALSE = ("Yes", "No"), ("True", "False")
"""The words that verdicts are asked for in; models know them in any language."""


@dataclass(frozen=True)
class Evidence:
    """What verdicts on a scenario say for Yes, in nats of log-odds, beyond the teacher's bias to Yes.

    ``passage`` and ``rule`` are by its chunk and by its rule alone, ``moved`` is half of what lies between
    the rule and its opposite: where that is nothing, the rule doesn't decide the scenario, or wasn't turned
    round.
    """

    passage: float
    rule: float
    moved: float

    def support(self, word: str | None) -> float:
        """Return the least that one of the three says for a word, Yes or No."""
        sign = 1 if word == "Yes" else -1
        return min(sign * nats for nats in (self.passage, self.rule, self.moved))


NO_EVIDENCE = Evidence(0.0, 0.0, 0.0)


def weigh_verdicts(
    verdicts: Iterable[tuple[Completion, Completion, Completion]], prior: int
) -> list[Evidence | None]:
    """Return the evidence of a batch of scenarios, None where a verdict is unreadable.

    There are three verdicts on each: by its chunk, by its rule and by the opposite. A teacher is biased to
    Yes whatever it reads (acquiescence). A rule and its opposite have opposite answers, so half of each two
    are Yes however many scenarios are, and their mean is the bias. That of passages differs from it by the
    mean difference between the passage's answer and its rule's, which are answers to the same scenarios. Both
    are taken for less, as if ``prior`` scenarios without a bias were among them, since the mean of a few says
    little (batch calibration; Zhou et al., 2024, arXiv 2309.17249, with a balance of our own).
    """
    odds = [log_odds(YES_OR_NO, *said) for said in verdicts]
    known = [found for found in odds if found is not None]
    count = len(known) + prior
    rule_bias = sum((rule + opposite) / 2 for _, rule, opposite in known) / count
    passage_bias = rule_bias + sum(passage - rule for passage, rule, _ in known) / count
    return [
        Evidence(found[0] - passage_bias, found[1] - rule_bias, (found[1] - found[2]) / 2) if found else None
        for found in odds
    ]


def log_odds(words: tuple[str, str], *verdicts: Completion) -> list[float] | None:
    """Return the log-odds, in nats, of the first word by each verdict, None if one is unreadable."""
    odds = []
    for verdict in verdicts:
        probability, _ = choice_probability(verdict, *words)
        if probability is None:
            return None
        clipped = min(max(probability, 1e-9), 1 - 1e-9)
        odds.append(math.log(clipped / (1 - clipped)))
    return odds
