"""What people's decisions on rows say: of the rows, of who wrote and checked them, and of one another."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from charter.evaluation.results import Estimate
from charter.evaluation.statistics import Resampling, clustered_share, kappa
from charter.project.review_records import RowDecision, row_texts
from charter.synthesis.row_decisions import Settled, reviewer_key, settle
from charter.synthesis.synthetic_data import SyntheticData


@dataclass(frozen=True)
class ReviewerAgreement:
    """How far two reviewers agree beyond chance on whether a row is right as it is: kappa, by passages.

    A decision that was taken with the other's in sight doesn't count; an earlier one of that person does.
    """

    reviewers: tuple[str, str]
    kappa: Estimate


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
        agreements=_agreements([each for each in decisions if each.row.id in known], resampling),
        gone=[item for row_id, item in settled.items() if row_id not in known],
    )


def _agreements(decisions: Sequence[RowDecision], resampling: Resampling) -> list[ReviewerAgreement]:
    """Compare each two reviewers on the rows that both read in the same words, not knowing of the other."""
    blind: dict[str, dict[str, RowDecision]] = {}
    for each in decisions:
        if not each.informed:
            blind.setdefault(reviewer_key(each.reviewer), {})[each.row.id] = each
    agreements = []
    for first, second in combinations(sorted(blind), 2):
        both = [
            (one, other)
            for row_id, one in blind[first].items()
            if (other := blind[second].get(row_id)) and row_texts(one.row) == row_texts(other.row)
        ]
        if both:
            figure = kappa(
                [one.decision == "accept" for one, _ in both],
                [other.decision == "accept" for _, other in both],
                [one.row.chunk_id for one, _ in both],
                resampling,
            )
            agreements.append(ReviewerAgreement((both[0][0].reviewer, both[0][1].reviewer), figure))
    return agreements
