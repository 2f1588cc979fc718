"""Chunks in order of how well they fit a question, and several such orders made one."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

Ranking = list[tuple[int, float]]
"""Places of chunks in the document, from 0, with their scores; best first."""

RANK_CONSTANT = 60
"""What is added to each rank, as published."""


class Ranker(Protocol):
    """One way to search the chunks of a corpus."""

    def rank(self, questions: Sequence[str], count: int) -> list[Ranking]:
        """Return for each question the ``count`` best chunks at most: those that fit it at all."""

    def save(self, folder: Path) -> None:
        """Write it; the same chunks give the same bytes."""


def fuse(rankings: Sequence[Ranking], count: int) -> Ranking:
    """Join rankings of the same chunks by reciprocal rank fusion; return the ``count`` best.

    A chunk's score is the sum of 1 / (60 + rank) over the rankings that hold it, ranks from 1 (Cormack,
    Clarke and Büttcher, SIGIR 2009); of equal ones that which is first in the document comes first.
    """
    scores: defaultdict[int, float] = defaultdict(float)
    for ranking in rankings:
        for rank, (place, _) in enumerate(ranking, start=1):
            scores[place] += 1 / (RANK_CONSTANT + rank)
    return sorted(scores.items(), key=lambda found: (-found[1], found[0]))[:count]
