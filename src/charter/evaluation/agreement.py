"""How far two judgements of the same items agree beyond chance."""

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from itertools import combinations

from charter.evaluation.results import Estimate
from charter.evaluation.statistics import Resampling, kappa
from charter.synthesis.row_decisions import reviewer_key


@dataclass(frozen=True)
class Reading:
    """What a reviewer says of something without knowing of others; ``cluster`` is its passage.

    ``verdict`` is None where the reviewer is unsure.
    """

    reviewer: str
    about: Hashable
    verdict: bool | None
    cluster: str


@dataclass(frozen=True)
class ReviewerAgreement:
    """How far two reviewers agree beyond chance: kappa, by passages."""

    reviewers: tuple[str, str]
    kappa: Estimate


def reviewer_agreements(readings: Iterable[Reading], resampling: Resampling) -> list[ReviewerAgreement]:
    """Compare each two reviewers on what both are sure of; of one's readings of the same the last counts."""
    read: dict[str, dict[Hashable, Reading]] = defaultdict(dict)
    for reading in readings:
        read[reviewer_key(reading.reviewer)][reading.about] = reading
    agreements = []
    for first, second in combinations(sorted(read), 2):
        pairs = [(one, other) for about, one in read[first].items() if (other := read[second].get(about))]
        both = [pair for pair in pairs if all(each.verdict is not None for each in pair)]
        if both:
            figure = kappa(
                [bool(one.verdict) for one, _ in both],
                [bool(other.verdict) for _, other in both],
                [one.cluster for one, _ in both],
                resampling,
            )
            agreements.append(ReviewerAgreement((both[0][0].reviewer, both[0][1].reviewer), figure))
    return agreements
