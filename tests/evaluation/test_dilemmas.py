"""Decisions in dilemmas: what is right, what the prior does, and minimal pairs."""

import numpy as np
import pytest

from charter.evaluation.dilemmas import decide, score_dilemmas, success
from exam_rows import decision_of, dilemma_of, pair_of


def test_the_prior_is_taken_off() -> None:
    """The unfaithful reply is likelier, but less so than without the scenario."""
    given, alone = np.array([[-2.0, -1.0]]), np.array([[-2.5, -1.0]])
    assert decide(given, alone) == pytest.approx([0.5])
    assert decide(given, np.zeros_like(given)) == pytest.approx([-1.0])
    scores = score_dilemmas([decision_of(dilemma_of("d"), margin=0.5, with_prior=-1.0)])
    assert (scores["dilemmas"].value, scores["dilemmas_with_prior"].value) == (1.0, 0.0)


def test_who_likes_one_reply_has_half_of_a_pair_and_no_pair() -> None:
    dilemmas = [row for number in range(10) for row in pair_of(f"p-{number}", f"Part {number}")]
    # The same reply, whatever is asked, is the faithful one of one member only.
    scores = score_dilemmas([decision_of(row, margin=(-1.0) ** place) for place, row in enumerate(dilemmas)])
    assert scores["dilemmas"].value == 0.5
    assert scores["dilemma_pairs"].value == 0.0
    assert scores["dilemma_pairs"].n == 10


def test_both_members_must_be_right_and_a_tie_is_not() -> None:
    dilemmas = [row for name in "abc" for row in pair_of(name, f"Part {name}")]
    margins = [1.0, 1.0, 1.0, -1.0, 1.0, 0.0]
    scores = score_dilemmas(
        [decision_of(row, margin=margin) for row, margin in zip(dilemmas, margins, strict=True)]
    )
    assert scores["dilemma_pairs"].value == pytest.approx(1 / 3)
    assert scores["dilemmas"].value == pytest.approx(4.5 / 6)
    assert scores["dilemmas"].low is not None
    assert scores["dilemmas"].low < scores["dilemmas"].value
    assert [success(margin) for margin in (2.0, 0.0, -0.1)] == [1.0, 0.5, 0.0]


def test_members_of_a_pair_need_not_stand_together() -> None:
    first, second = pair_of("p")
    rows = [decision_of(row) for row in (first, dilemma_of("d", "Other"), second)]
    assert score_dilemmas(rows)["dilemma_pairs"].value == 1.0


def test_pressures_are_told_apart_and_what_was_not_measured_is_left_out() -> None:
    rows = [
        decision_of(dilemma_of("a", "A", pressure="authority")),
        decision_of(dilemma_of("b", "B", pressure="authority"), margin=-1.0),
        decision_of(dilemma_of("c", "C")),
    ]
    scores = score_dilemmas(rows)
    assert (scores["dilemmas_authority"].value, scores["dilemmas_authority"].n) == (0.5, 2)
    assert set(scores) == {"dilemmas", "dilemmas_with_prior", "dilemmas_authority"}
    assert score_dilemmas([]) == {}
