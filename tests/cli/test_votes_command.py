"""`charter votes`: counts, and pairs that the pipeline can read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from charter.project.appended import append_row
from charter.project.paths import ProjectPaths
from charter.project.records import PreferencePair
from charter.project.storage import read_rows
from vote_rows import vote_of

pytest_plugins = ["mlflow_store"]

Charter = Callable[..., Any]


def test_votes_are_counted_and_exported(charter: Charter, project: Path) -> None:
    path = ProjectPaths(project).corpus("bcg").votes
    texts = {"sft": "Ask first.", "dpo+rag": "Take it."}
    append_row(path, vote_of("May I?", texts, best=0))
    append_row(path, vote_of("And now?", texts, best=0, voter="Bob"))
    append_row(path, vote_of("In sight?", texts, best=1, blind=False))
    with path.open("ab") as file:
        file.write(b'{"id":')
    done = charter("votes", "bcg", "--export", "pairs.jsonl", folder=project)
    assert done.code == 0, done.err
    assert "votes: 2, people: 2, questions: 2" in done.out
    assert "1 votes weren't blind" in done.out
    assert "1 lines of" in done.out
    [line] = [line for line in done.out.splitlines() if "SFT+DPO+RAG" in line and " SFT " in line]
    assert [cell.strip() for cell in line.split("│")[1:6]] == ["SFT+DPO+RAG", "SFT", "0", "0", "2"]
    rows = read_rows(project / "pairs.jsonl", PreferencePair)
    assert [(row.prompt, row.chosen, row.rejected) for row in rows] == [
        ("May I?", "Ask first.", "Take it."),
        ("And now?", "Ask first.", "Take it."),
    ]
    counted = json.loads(charter("votes", "bcg", "--named", "--json", folder=project).out)
    [row] = [row for row in counted if (row["system"], row["against"]) == ("dpo+rag", "sft")]
    assert (row["won"], row["tied"], row["lost"], row["rate"]) == (1, 0, 2, 1 / 3)


def test_without_votes_it_says_how_to_get_some(charter: Charter, project: Path) -> None:
    done = charter("votes", "bcg", folder=project)
    assert done.code == 1
    assert "bcg.jsonl: no votes yet; `charter compare bcg` collects them" in done.err


def test_what_was_preferred_is_adopted_for_the_next_synthesize(charter: Charter, project: Path) -> None:
    paths = ProjectPaths(project).corpus("bcg")
    texts = {"sft": "Ask first.", "dpo": "Take it."}
    append_row(paths.votes, vote_of("May I?", texts, best=0))
    append_row(paths.votes, vote_of("In sight?", texts, best=1, blind=False))
    done = charter("votes", "bcg", "--adopt", folder=project)
    assert done.code == 0, done.err
    assert "bcg/pairs.jsonl: 1 pairs. Commit it" in done.out
    [pair] = read_rows(paths.voted_pairs, PreferencePair)
    assert (pair.prompt, pair.chosen, pair.rejected) == ("May I?", "Ask first.", "Take it.")


@pytest.mark.usefixtures("tracing")
def test_votes_go_to_mlflow_once(charter: Charter, project: Path) -> None:
    path = ProjectPaths(project).corpus("bcg").votes
    append_row(path, vote_of("May I?", {"sft": "Ask first.", "dpo+rag": "Take it."}, best=0))
    for sent in (2, 0):
        done = charter("votes", "bcg", "--mlflow", folder=project)
        assert done.code == 0, done.err
        assert f"sent {sent} assessments to MLflow" in done.out
