"""The hand-read rows of a run: complete, and as many as their README says."""

import json
from collections import Counter
from typing import Any

import pytest

from synthetic_project import ROOT

FOLDER = ROOT / "data/labelled"


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / "kept.jsonl").read_text(encoding="utf-8").splitlines()]


def test_every_row_is_judged_once_and_says_what_is_wrong(rows: list[dict[str, Any]]) -> None:
    assert len({(row["kind"], row["id"]) for row in rows}) == len(rows)
    assert Counter(row["kind"] for row in rows) == {"instruct": 60, "preference": 60}
    for row in rows:
        assert row["usable"] or row["note"], row
        assert row["supported"] or not row["usable"], row
        assert (row["kind"] == "instruct") == ("rejected" not in row)


def test_the_readme_counts_those_of_todays_filters() -> None:
    file = FOLDER / "kept_udhr.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    table = (FOLDER / "README.md").read_text(encoding="utf-8").partition("`kept_udhr.jsonl`")[2]
    assert len({(row["kind"], row["id"]) for row in rows}) == len(rows)
    for (kind, made), name in {
        ("instruct", "teacher"): "answers of the teacher",
        ("preference", "teacher"): "pairs of scenarios",
        ("preference", "rule"): "pairs of rules",
    }.items():
        judged = [row for row in rows if (row["kind"], row["made"]) == (kind, made)]
        for label in ("supported", "usable"):
            assert f"| {name}, {label} | {sum(row[label] for row in judged)} of {len(judged)} |" in table
    held_out = [row["usable"] for row in rows if (row["kind"], row["split"]) == ("preference", "test")]
    assert (
        f"the {len(held_out)} pairs that are held out, all of scenarios, {sum(held_out)} are usable" in table
    )
    for row in rows:
        assert row["usable"] or row["note"], row
        assert row["supported"] or not row["usable"], row


KINDS = {
    ("instruct", "teacher"): "answers of the teacher",
    ("instruct", "rule"): "answers that are rules",
    ("preference", "teacher"): "pairs of scenarios",
    ("preference", "rule"): "pairs of rules",
}


def counts_table(rows: list[dict[str, Any]], corpora: tuple[str, ...]) -> list[str]:
    """The lines of a table of the README, a column a corpus."""
    lines = []
    for (kind, made), name in KINDS.items():
        for label in ("supported", "usable"):
            cells = []
            for corpus in corpora:
                of_kind = (corpus, kind, made)
                judged = [row[label] for row in rows if (row["corpus"], row["kind"], row["made"]) == of_kind]
                cells.append(f"{sum(judged)} of {len(judged)}")
            lines.append(f"| {name}, {label} | {' | '.join(cells)} |")
    return lines


def test_the_readme_counts_those_of_other_documents() -> None:
    file = FOLDER / "kept_other.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    table = (FOLDER / "README.md").read_text(encoding="utf-8").partition("`kept_other.jsonl`")[2]
    assert all(
        line in table
        for line in counts_table(rows, ("german", "french", "spanish", "airline", "hygiene", "licence"))
    )
    for row in rows:
        assert row["usable"] or row["note"], row
        assert row["supported"] or not row["usable"], row


def test_the_readme_counts_them(rows: list[dict[str, Any]]) -> None:
    table = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(line in table for line in counts_table(rows, ("udhr", "bcg")))
    counts = {
        kind: [sum(row[label] for row in rows if row["kind"] == kind) for label in ("supported", "usable")]
        for kind in ("instruct", "preference")
    }
    (answers, usable), (pairs, usable_pairs) = counts.values()
    assert f"of 60 answers {answers} are supported and {usable} usable" in table
    assert f"of 60 pairs {pairs} and {usable_pairs}." in table
