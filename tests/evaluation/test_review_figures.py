"""What a review comes to: rows counted once, kappa of what people decided without knowing of one another."""

import pytest
from sklearn.metrics import cohen_kappa_score

from charter.evaluation.review_figures import review_figures
from charter.evaluation.statistics import Resampling
from charter.project.review_records import RowMark
from charter.report.sentences import review_sentence
from charter.synthesis.synthetic_data import SyntheticData
from review_rows import decided, example_of

ROWS = [example_of(f"Question {number}?", "Yes.", f"chunk {number % 4}") for number in range(8)]
RESAMPLING = Resampling(200, 1)


def data(kept: int = 8, *marks: RowMark) -> SyntheticData:
    rows = {"train": ROWS[:kept], "validation": [], "test": []}
    nothing: dict[str, list[None]] = {"train": [], "validation": [], "test": []}
    return SyntheticData([], [], rows, nothing, [], marks=marks)  # type: ignore[arg-type]


def test_rows_are_counted_by_what_they_come_to() -> None:
    decisions = [
        decided(ROWS[0], "accept"),
        decided(ROWS[0], "accept", "Bob"),
        decided(ROWS[1], "reject", reason="wrong"),
        decided(ROWS[2], "accept"),
        decided(ROWS[2], "reject", "Bob", reason="wrong"),
        decided(ROWS[3], "edit", answer="No."),
        decided(example_of("Gone?", "Yes."), "accept"),
    ]
    taken_out = RowMark(row_id=ROWS[7].id, split="train", mark="rejected", people=("Ada",))
    found = review_figures(decisions, data(7, taken_out), RESAMPLING)
    assert (found.rows, found.decided) == (8, 4)
    assert dict(found.outcomes) == {"accepted": 1, "rejected": 1, "disputed": 1, "edited": 1}
    assert (found.accepted.value, found.accepted.n) == (0.25, 4)
    assert [item.decisions[0].row.id for item in found.gone] == [example_of("Gone?", "Yes.").id]
    said = review_sentence(found)
    assert (
        "People read 4 of 8 rows that the filters kept: 1 accepted, 1 edited, 1 rejected, 1 disputed." in said
    )
    assert "took .250 [" in said
    assert "1 decided rows are not in the data any more." in said


def test_kappa_is_of_the_rows_that_both_read_on_their_own() -> None:
    ada = [True, True, True, False, True, False, False, True]
    bob = [True, True, False, False, True, True, False, True]
    decisions = [
        decided(row, "accept" if verdict else "reject", name, reason="" if verdict else "wrong")
        for name, verdicts in (("Ada", ada), ("Bob", bob))
        for row, verdict in zip(ROWS, verdicts, strict=True)
    ]
    # Bob gave in when he had seen what Ada says, and Cid read none of their rows.
    decisions.append(decided(ROWS[2], "accept", "Bob", informed=True))
    decisions.append(decided(example_of("Gone?", "Yes."), "accept", "Cid"))
    found = review_figures(decisions, data(), RESAMPLING)
    [agreement] = found.agreements
    assert agreement.reviewers == ("Ada", "Bob")
    assert agreement.kappa.n == 8
    assert agreement.kappa.value == pytest.approx(cohen_kappa_score(ada, bob))
    assert found.outcomes["disputed"] == 1
    assert "kappa: Ada and Bob .467 [" in review_sentence(found)


def test_who_read_other_words_read_another_row() -> None:
    edited = ROWS[0].model_copy(update={"answer": "No."})
    decisions = [decided(ROWS[0], "edit", answer="No."), decided(edited, "accept", "Bob")]
    found = review_figures(decisions, data(), RESAMPLING)
    assert not found.agreements
    assert dict(found.outcomes) == {"edited": 1}


def test_three_reviewers_are_compared_two_by_two() -> None:
    decisions = [decided(ROWS[0], "accept", name) for name in ("Cid", "Bob", "Ada")]
    found = review_figures(decisions, data(), RESAMPLING)
    assert [row.reviewers for row in found.agreements] == [("Ada", "Bob"), ("Ada", "Cid"), ("Bob", "Cid")]
    assert review_sentence(review_figures([], data(), RESAMPLING)) == "Nobody has decided on a row yet."
