"""The claim to reproduce: by how much the aligned model without RAG beats c-fine-tuned with RAG."""

from dataclasses import dataclass

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


@dataclass(frozen=True)
class Margin:
    """How many times the baseline's figure an aligned model's is, and its paired difference.

    ``published_ratio`` is the same ratio in the published table. ``reached`` says whether ours is at least
    that and the difference's interval lies above 0. Both are None where nothing was published.
    """

    system: str
    against: str
    metric: str
    ratio: float | None
    difference: Estimate
    published_ratio: float | None
    reached: bool | None


def margins(evaluation: Evaluation) -> list[Margin]:
    """Return the margins of the aligned models over the baseline, those that were measured."""
    compared = {(row.system, row.metric): row for row in evaluation.comparisons if row.against == BASELINE}
    return [
        _margin(compared[system, metric], evaluation.corpus)
        for system in ALIGNED
        for metric in MARGIN_METRICS
        if (system, metric) in compared
    ]


def stricter_margins(evaluation: Evaluation) -> list[Margin]:
    """Return what is left of the margins where the baseline's excuses are taken away, as far as measured.

    That is where all answers are cut to their reference's length (CUT_METRICS), and where the baseline is
    shown the right passage (UPPER_BOUND).
    """
    compared = {(row.system, row.against, row.metric): row for row in evaluation.comparisons}
    stricter = [(BASELINE, CUT_METRICS[metric]) for metric in MARGIN_METRICS]
    stricter += [(UPPER_BOUND, metric) for metric in MARGIN_METRICS]
    found = [compared.get((system, *terms)) for system in ALIGNED for terms in stricter]
    return [Margin(r.system, r.against, r.metric, r.ratio, r.difference, None, None) for r in found if r]


def _margin(row: Comparison, corpus: str) -> Margin:
    rows = PUBLISHED.get(corpus)
    target = rows[row.system][row.metric].value / rows[BASELINE][row.metric].value if rows else None
    above = row.difference.low is not None and row.difference.low > 0
    # A baseline of 0 has no ratio; whatever is above it is above every multiple of it.
    reached = None if target is None else above and (row.ratio is None or row.ratio >= target)
    return Margin(row.system, row.against, row.metric, row.ratio, row.difference, target, reached)
