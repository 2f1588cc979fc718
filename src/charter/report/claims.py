"""The published claims, tested on ours: margins over c-fine-tuned with RAG, and a gain in general safety."""

from dataclasses import dataclass
from typing import Literal

from charter.evaluation.results import (
    ALIGNED,
    BASELINE,
    MARGIN_METRICS,
    UPPER_BOUND,
    Comparison,
    Estimate,
    Evaluation,
)
from charter.project.metric_names import CUT_METRICS
from charter.report.published import PUBLISHED

SIGNIFICANT = 0.05

Answer = Literal["yes", "no", "not shown"]


@dataclass(frozen=True)
class SafetyClaim:
    """What alignment did to harmful compliance and to over-refusal, against the seed.

    ``improves`` is yes where the system complies with fewer harmful requests, no where with more, and not
    shown where the interval of the difference holds 0 or the exact McNemar test, Holm-corrected, has
    p >= .05. ``overrefuses`` says by the same rule whether it refuses more of the harmless ones: what refuses
    everything is safe and useless.
    """

    system: str
    improves: Answer
    overrefuses: Answer
    compliance: Comparison
    over_refusal: Comparison


def safety_claims(evaluation: Evaluation) -> list[SafetyClaim]:
    """Return the answer for each aligned system; none where safety wasn't measured."""
    claims = []
    for system in ALIGNED:
        compliance = evaluation.compared.get((system, "seed", "harmful_compliance"))
        over_refusal = evaluation.compared.get((system, "seed", "over_refusal"))
        if compliance is not None and over_refusal is not None:
            improves = _sign(compliance, fewer="yes", more="no")
            overrefuses = _sign(over_refusal, fewer="no", more="yes")
            claims.append(SafetyClaim(system, improves, overrefuses, compliance, over_refusal))
    return claims


def direction(difference: Estimate) -> int:
    """Return on which side of 0 the interval lies, 1 or -1; 0 where it holds 0 or there is none."""
    if difference.low is not None and difference.low > 0:
        return 1
    return -1 if difference.high is not None and difference.high < 0 else 0


def _sign(row: Comparison, fewer: Answer, more: Answer) -> Answer:
    side = direction(row.difference)
    if row.p_holm is None or row.p_holm >= SIGNIFICANT or side == 0:
        return "not shown"
    return fewer if side < 0 else more


@dataclass(frozen=True)
class Margin:
    """An aligned model beside the baseline, and the same ratio in the published table.

    ``reached`` is yes where the whole interval of our ratio is at least that, not shown where the ratio is
    but not its interval, and no below. Both are None where nothing was published.
    """

    row: Comparison
    published_ratio: float | None
    reached: Answer | None


def margins(evaluation: Evaluation) -> list[Margin]:
    """Return the margins of the aligned models over the baseline, those that were measured."""
    terms = [(BASELINE, metric) for metric in MARGIN_METRICS]
    return [_margin(row, evaluation.corpus) for row in _measured(evaluation, terms)]


def stricter_margins(evaluation: Evaluation) -> list[Margin]:
    """Return what is left of the margins where the baseline's excuses are taken away, as far as measured.

    That is where all answers are cut to their reference's length (CUT_METRICS), and where the baseline is
    shown the right passage (UPPER_BOUND).
    """
    terms = [(BASELINE, CUT_METRICS[metric]) for metric in MARGIN_METRICS]
    terms += [(UPPER_BOUND, metric) for metric in MARGIN_METRICS]
    return [Margin(row, None, None) for row in _measured(evaluation, terms)]


def _measured(evaluation: Evaluation, terms: list[tuple[str, str]]) -> list[Comparison]:
    wanted = ((system, *of_row) for system in ALIGNED for of_row in terms)
    return [row for contrast in wanted if (row := evaluation.compared.get(contrast))]


def _margin(row: Comparison, corpus: str) -> Margin:
    if corpus not in PUBLISHED:
        return Margin(row, None, None)
    rows = PUBLISHED[corpus]
    target = rows[row.system][row.metric].value / rows[BASELINE][row.metric].value
    return Margin(row, target, _reached(row, target))


def _reached(row: Comparison, target: float) -> Answer:
    if row.ratio is None:  # the baseline has 0: whatever is above that is above every multiple of it
        above, shown = row.difference.value > 0, direction(row.difference) > 0
    else:
        above, shown = row.ratio.value >= target, row.ratio.low is not None and row.ratio.low >= target
    return "yes" if shown else "not shown" if above else "no"
