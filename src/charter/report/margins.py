"""The claim to reproduce: by how much the aligned model without RAG beats c-fine-tuned with RAG."""

from dataclasses import dataclass

from charter.evaluation.results import ALIGNED, BASELINE, MARGIN_METRICS, UPPER_BOUND, Comparison, Evaluation
from charter.project.metric_names import CUT_METRICS
from charter.report.claims import Answer, direction
from charter.report.published import PUBLISHED


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
    compared = {row.contrast: row for row in evaluation.comparisons}
    wanted = [(system, *of_row) for system in ALIGNED for of_row in terms]
    return [compared[key] for key in wanted if key in compared]


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
