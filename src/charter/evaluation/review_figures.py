"""What people's decisions on rows say: of the rows, of who wrote and checked them, and of one another."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from charter.evaluation.agreement import Reading, ReviewerAgreement, reviewer_agreements
from charter.evaluation.results import Estimate
from charter.evaluation.statistics import Resampling, clustered_share
from charter.project.review_records import RowDecision, row_texts
from charter.synthesis.row_decisions import Settled, settle
from charter.synthesis.synthetic_data import SyntheticData


@dataclass(frozen=True)
class ReviewFigures:
    """What came of a review; the counts are of rows.

    ``accepted`` is the share of the rows that all who read them took as they were: how often people agree
    with the filters that let these rows through. Its interval is over passages. ``gone`` are the decisions on
    rows that the data don't have any more.
    """

    rows: int
    outcomes: Counter[str]
    accepted: Estimate
    agreements: Sequence[ReviewerAgreement]
    gone: Sequence[Settled]

    @property
    def decided(self) -> int:
        """How many of the rows somebody decided on."""
        return self.outcomes.total()


def review_figures(
    decisions: Sequence[RowDecision], data: SyntheticData, resampling: Resampling
) -> ReviewFigures:
    """Count a corpus's decisions, which are in the order of their times, against its rows as they are now."""
    rows = data.rows()
    known = rows.keys() | {mark.row_id for mark in data.marks}
    settled = settle(decisions)
    found = {row_id: item for row_id, item in settled.items() if row_id in known}
    accepted = [float(item.outcome == "accepted") for item in found.values()]
    clusters = [item.decisions[0].row.chunk_id for item in found.values()]
    return ReviewFigures(
        rows=len(known),
        outcomes=Counter(item.outcome for item in found.values()),
        accepted=clustered_share(accepted, clusters),
        agreements=reviewer_agreements(
            (_reading(each) for each in decisions if each.row.id in known and not each.informed), resampling
        ),
        gone=[item for row_id, item in settled.items() if row_id not in known],
    )


def _reading(decision: RowDecision) -> Reading:
    """Say whether a row is right as it is, in the words that were shown."""
    row = decision.row
    about = (row.id, *row_texts(row).values())
    return Reading(decision.reviewer, about, decision.decision == "accept", row.chunk_id)
