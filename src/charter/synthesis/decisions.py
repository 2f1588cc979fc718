"""What verdicts of the teacher say together, in numbers: for synthesis, and for measuring its validators."""

import math
from collections.abc import Iterable

from charter.generation.engine import Completion
from charter.generation.verdict import choice_probability

YES_OR_NO, TRUE_OR_FALSE = ("Yes", "No"), ("True", "False")
"""The words that verdicts are asked for in; models know them in any language."""


def weigh_verdicts(
    verdicts: Iterable[tuple[Completion, Completion, Completion]], prior: int
) -> list[tuple[float, float, float] | None]:
    """Return what is said for Yes of each of a batch of scenarios, None where a verdict is unreadable.

    It is three numbers, in nats of log-odds beyond the teacher's bias to Yes: by the chunk, by the rule
    alone, and half of what lies between the rule and its opposite. Where the last is nothing, the rule
    doesn't decide the scenario, or wasn't turned round.

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
        (found[0] - passage_bias, found[1] - rule_bias, (found[1] - found[2]) / 2) if found else None
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
