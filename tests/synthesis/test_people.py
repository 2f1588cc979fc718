"""What people decided of rows and voted for takes effect on what was written, and on nothing else."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from charter.project.paths import CorpusPaths
from charter.project.records import SPLITS, PreferencePair, Rejected, content_id
from charter.project.review_records import RowDecision
from charter.project.storage import write_rows
from charter.retrieval.encoder import Encoder
from charter.synthesis.drafts import Draft
from charter.synthesis.people import NOBODY, People, read_people
from charter.synthesis.row_decisions import settle
from charter.synthesis.synthetic_data import SyntheticData
from planted_method import GIFTS, PRESS, Apart, pair, question, write
from review_rows import decided, example_of, pair_of

QUESTIONS = [question(f"Question {number}?", f"Answer {number}.") for number in range(4)]
PAIR = pair("May I take a watch?", "Gifts above 50 euros must be refused.")
OLD = example_of("A question that nobody writes any more?", "No.")


def people(*decisions: RowDecision, voted: Sequence[PreferencePair] = ()) -> People:
    return People(settle(decisions), 0, voted)


def write_apart(
    given: People = NOBODY,
    pairs: Sequence[Draft] = (),
    questions: Sequence[Draft] = QUESTIONS,
    **shares: float,
) -> tuple[SyntheticData, dict[str, dict[str, Any]]]:
    """Write rows of which no two are alike."""
    return write(Apart(), questions, pairs, given, max_nearer_chunks=None, **shares)


def marks(data: SyntheticData) -> dict[str, str]:
    return {mark.row_id: mark.mark for mark in data.marks}


def test_without_decisions_and_votes_nothing_changes() -> None:
    data, figures = write_apart(pairs=[PAIR])
    assert {"review", "vote"}.isdisjoint(figures)
    assert data.marks == []
    gone, _ = write_apart(people(decided(OLD, "accept")), [PAIR])
    assert gone == data


def test_rejected_rows_leave_edited_ones_are_reworded_and_accepted_ones_marked() -> None:
    rows = [draft.to_example() for draft in QUESTIONS]
    pair_row = PAIR.to_pair()
    data, figures = write_apart(
        people(
            decided(rows[0], "reject", reason="nobody would ask this"),
            decided(rows[1], "edit", answer="In better words."),
            decided(rows[2], "accept"),
            decided(rows[3], "accept"),
            decided(rows[3], "reject", "Bob", reason="wrong"),
            decided(pair_row, "edit", chosen="Send it back.", rejected="Keep it."),
            decided(OLD, "reject", reason="old"),
        ),
        [PAIR],
    )
    edited, kept = data.instruct["train"]
    assert edited == rows[1].model_copy(update={"answer": "In better words."})
    assert kept == rows[2]
    assert data.preference["train"] == [
        pair_row.model_copy(update={"chosen": "Send it back.", "rejected": "Keep it."})
    ]
    assert marks(data) == {
        **dict(zip((row.id for row in rows), ("rejected", "edited", "accepted", "disputed"), strict=True)),
        pair_row.id: "edited",
    }
    refused = [row for row in data.rejected if row.filter == "review"]
    assert [(row.kind, row.reason, row.raw) for row in refused] == [
        ("instruct", "rejected: Ada: reject (nobody would ask this)", "Question 0?\nAnswer 0."),
        ("instruct", "disputed: Ada: accept, Bob: reject (wrong)", "Question 3?\nAnswer 3."),
    ]
    assert (figures["instruct"]["train"], figures["instruct"]["rejected"]["review"]) == (2, 2)
    assert figures["review"] == {
        "decided": 6,
        "accepted": 1,
        "edited": 2,
        "rejected": 1,
        "disputed": 1,
        "held_out": 0,
        "gone": 1,
        "torn_lines": 0,
    }


def test_a_broken_test_row_can_be_rejected() -> None:
    row = QUESTIONS[0].to_example()
    data, figures = write_apart(people(decided(row, "reject", reason="broken")), test_share=1.0)
    assert row not in data.instruct["test"]
    assert figures["instruct"]["test"] == 3
    assert [(mark.row_id, mark.split) for mark in data.marks] == [(row.id, "test")]


def test_nobodys_words_come_into_the_test_split() -> None:
    row = QUESTIONS[0].to_example()
    data, figures = write_apart(people(decided(row, "edit", answer="In better words.")), test_share=1.0)
    assert row in data.instruct["test"]
    assert data.marks == []
    assert (figures["review"]["edited"], figures["review"]["gone"]) == (0, 1)


def hash_share(draft: Draft) -> float:
    """Where a question lies between 0 and 1 when splits are drawn: below the test share it is held out."""
    return int(content_id(draft.question), 16) / 16**16


@pytest.mark.models
def test_words_that_repeat_a_held_out_row_are_not_trained_on(encoder: Encoder) -> None:
    press = question("Who may talk to journalists about the company?", "The spokesperson.", chunk=PRESS)
    others = [question(f"Which gifts from {who} must be refused?", f"{who}.") for who in ("banks", "friends")]
    drafts = sorted((press, *others), key=hash_share)
    share = (hash_share(drafts[0]) + hash_share(drafts[1])) / 2
    leak = drafts[1].to_example()
    words = {"question": drafts[0].question, "answer": "It depends."}
    voted = [
        pair_of(drafts[0].question.replace("?", ", please?"), "Nobody.", "Anybody.", "gifts"),
        pair_of("Are cakes for the whole team fine?", "Yes.", "No.", "gifts"),
        pair_of("Is the canteen open?", "Yes.", "No.", "a passage that is gone"),
    ]
    data, figures = write(
        encoder,
        drafts,
        (),
        people(decided(leak, "edit", **words), voted=voted),
        test_share=share,
        max_nearer_chunks=None,
    )
    assert leak.id not in {row.id for split in SPLITS for row in data.instruct[split]}
    assert data.preference["train"] == [voted[1]]
    assert figures["vote"] == {
        "requested": 3,
        "kept": 1,
        "train": 1,
        "validation": 0,
        "test": 0,
        "rejected": {"held-out": 1, "passage": 1},
    }
    assert figures["review"]["held_out"] == 1
    assert marks(data) == {leak.id: "held out", voted[1].id: "voted"}
    gone = next(row for row in data.rejected if row.filter == "passage")
    assert gone == Rejected(
        id=voted[2].id,
        chunk_id="a passage that is gone",
        kind="vote",
        filter="passage",
        reason="the document doesn't have the passage any more",
        raw="Is the canteen open?\nYes.\nNo.",
    )


def test_a_voted_pair_about_a_held_out_rule_is_not_trained_on() -> None:
    other = pair("May I go without a helmet?", "Helmets must be worn on site.")
    # Of all pairs some must be trained on: those whose hash is greatest.
    held_out, trained = sorted((PAIR, other), key=hash_share)
    voted = [pair_of("Is a pen fine?", "Yes.", "No.", GIFTS.id, each.rule) for each in (held_out, trained)]
    data, figures = write_apart(people(voted=voted), [held_out, trained], (), pair_test_share=1.0)
    assert data.preference["test"] == [held_out.to_pair()]
    assert data.preference["train"] == [trained.to_pair(), voted[1]]
    assert figures["vote"]["rejected"] == {"held-out": 1}


def test_a_voted_pair_can_be_reviewed_too() -> None:
    voted = pair_of("Is a pen fine?", "Yes.", "No.", GIFTS.id)
    data, figures = write_apart(people(decided(voted, "reject", reason="it isn't"), voted=[voted]))
    assert data.preference["train"] == []
    assert figures["vote"]["rejected"] == {"review": 1}
    assert marks(data) == {voted.id: "rejected"}


def test_people_are_read_where_they_said_something(tmp_path: Path) -> None:
    paths = CorpusPaths(tmp_path, "bcg")
    voted = pair_of("Is a pen fine?", "Yes.", "No.")
    assert read_people(paths) == People()
    write_rows(paths.voted_pairs, [voted])
    assert read_people(paths).voted == [voted]
