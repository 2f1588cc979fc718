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
    assert Counter(row["kind"] for row in rows) == {"instruct": 60, "preference": 34}
    for row in rows:
        assert row["usable"] or row["note"], row
        if row["kind"] == "instruct":
            assert row["supported"] or not row["usable"], row
        else:
            assert row["rejected"] not in ("", row["text"]), row


def test_the_readme_counts_them(rows: list[dict[str, Any]]) -> None:
    table = (FOLDER / "README.md").read_text(encoding="utf-8")
    for name, kind, label in (
        ("answers supported", "instruct", "supported"),
        ("questions with answers usable", "instruct", "usable"),
        ("pairs usable", "preference", "usable"),
    ):
        cells = []
        for corpus in ("udhr", "bcg"):
            judged = [row[label] for row in rows if (row["corpus"], row["kind"]) == (corpus, kind)]
            cells.append(f"{sum(judged)} of {len(judged)}")
        assert f"| {name} | {' | '.join(cells)} |" in table
