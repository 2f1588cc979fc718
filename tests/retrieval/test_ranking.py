"""Reciprocal rank fusion, by hand."""

import pytest

from charter.retrieval.ranking import fuse


def test_scores_are_sums_of_reciprocal_ranks() -> None:
    dense = [(4, 0.9), (7, 0.8), (2, 0.1)]
    words = [(2, 11.0), (4, 3.0)]
    assert fuse([dense, words], 5) == [
        (4, pytest.approx(1 / 61 + 1 / 62)),
        (2, pytest.approx(1 / 63 + 1 / 61)),
        (7, pytest.approx(1 / 62)),
    ]


def test_scores_themselves_have_no_say() -> None:
    assert fuse([[(0, 1e9), (1, -5.0)], [(1, 0.2), (0, 0.1)]], 2) == fuse(
        [[(0, 2.0), (1, 1.0)], [(1, 9.0), (0, 8.0)]], 2
    )


def test_of_equal_chunks_the_first_of_the_document_comes_first() -> None:
    assert [place for place, _ in fuse([[(9, 1.0), (3, 0.5)], [(3, 1.0), (9, 0.5)]], 2)] == [3, 9]


def test_the_best_are_taken_after_both_were_counted() -> None:
    """Second in both is better than first in one."""
    assert [place for place, _ in fuse([[(0, 1.0), (5, 0.5)], [(1, 1.0), (5, 0.5)]], 1)] == [5]
    assert fuse([[], []], 3) == []
