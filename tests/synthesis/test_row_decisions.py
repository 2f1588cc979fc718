"""What the decisions of several people on one row come to."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from charter.project.appended import append_row
from charter.project.errors import CharterError
from charter.project.paths import CorpusPaths
from charter.project.review_records import RowDecision
from charter.synthesis.row_decisions import read_decisions, settle
from review_rows import decided, example_of, pair_of

ROW = example_of("May I take gifts?", "Yes.")
WORDS = {"answer": "No, not above 50 euros."}
EDITED = ROW.model_copy(update=WORDS)


@pytest.mark.parametrize(
    ("decisions", "outcome"),
    [
        ([decided(ROW, "accept")], "accepted"),
        ([decided(ROW, "reject", reason="wrong")], "rejected"),
        ([decided(ROW, "edit", **WORDS)], "edited"),
        ([decided(ROW, "accept"), decided(ROW, "accept", "Bob")], "accepted"),
        ([decided(ROW, "accept"), decided(ROW, "reject", "Bob", reason="wrong")], "disputed"),
        ([decided(ROW, "accept"), decided(ROW, "edit", "Bob", **WORDS)], "disputed"),
        ([decided(ROW, "edit", answer="No."), decided(ROW, "edit", "Bob", **WORDS)], "disputed"),
        ([decided(ROW, "edit", **WORDS), decided(ROW, "edit", "Bob", **WORDS)], "edited"),
        # Bob saw the row when it had Ada's words already, and finds them right.
        ([decided(ROW, "edit", **WORDS), decided(EDITED, "accept", "Bob")], "edited"),
        ([decided(ROW, "accept"), decided(EDITED, "accept", "Bob")], "disputed"),
        # The later of one person counts, whatever the case of the name.
        ([decided(ROW, "reject", reason="wrong"), decided(ROW, "accept", " ada ")], "accepted"),
        (
            [decided(ROW, "accept"), decided(ROW, "accept", "Bob"), decided(ROW, "reject", reason="x")],
            "disputed",
        ),
    ],
)
def test_all_must_want_the_same(decisions: list[RowDecision], outcome: str) -> None:
    found = settle(decisions)[ROW.id]
    assert found.outcome == outcome
    assert (found.wanted is None) == (outcome in ("rejected", "disputed"))
    if outcome == "edited":
        assert found.wanted == EDITED


def test_a_line_says_who_decided_what_and_why() -> None:
    found = settle([decided(ROW, "accept"), decided(ROW, "reject", "Bob", reason="not in it")])[ROW.id]
    assert found.reason == "disputed: Ada: accept, Bob: reject (not in it)"
    assert found.reviewers == ("Ada", "Bob")


def test_decisions_are_read_in_the_order_of_their_times(tmp_path: Path) -> None:
    paths = CorpusPaths(tmp_path, "bcg")
    assert read_decisions(paths.row_decisions, RowDecision) == ([], 0)
    later = decided(ROW, "accept", time="2026-11-28T10:00:00.000+00:00")
    earlier = decided(ROW, "reject", reason="x", time="2026-11-28T09:00:00.000+00:00")
    for decision in (later, earlier):
        append_row(paths.row_decisions, decision)
    with paths.row_decisions.open("ab") as file:
        file.write(b'{"row":{"id"')
    assert read_decisions(paths.row_decisions, RowDecision) == ([earlier, later], 1)
    with paths.row_decisions.open("ab") as file:
        file.write(b'\n{"row_id": "x"}\n')
    with pytest.raises(CharterError, match=r"bcg/rows\.jsonl:4: not a RowDecision: row"):
        read_decisions(paths.row_decisions, RowDecision)


def test_an_edit_is_of_the_row_itself() -> None:
    pair = pair_of("May I?", "No.", "Yes.")
    for row, decision, edited in (
        (ROW, "edit", None),
        (ROW, "accept", EDITED),
        (ROW, "edit", EDITED.model_copy(update={"id": "other"})),
        (ROW, "edit", pair.model_copy(update={"id": ROW.id})),
    ):
        values = decided(ROW, "accept").model_dump() | {"row": row, "decision": decision, "edited": edited}
        with pytest.raises(ValidationError, match="edited"):
            RowDecision.model_validate(values)
