"""synthesize against a server that counts: killed, started again, and with an amended document."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from charter.generation.budget import BudgetSpentError
from charter.project.appended import append_row
from charter.project.errors import CharterError
from charter.project.params import load_params
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.records import Chunk, InstructExample, PreferencePair, Rule, RuleDecision
from charter.project.review_records import RowMark
from charter.project.storage import read_rows, write_rows
from charter.stages import synthesize
from charter.synthesis.coverage import measure_coverage, summarize_coverage
from charter.synthesis.synthetic_data import read_synthetic_data
from local_server import serving
from params_text import set_value
from review_rows import decided, pair_of
from scripted_teacher import (
    CHUNKS,
    CONCURRENCY,
    ScriptedTeacher,
    extracted,
    make_chunk,
    make_project,
    subjects,
)

pytestmark = pytest.mark.models


@pytest.fixture
def teacher() -> Iterator[ScriptedTeacher]:
    with serving(ScriptedTeacher()) as server:
        yield server


def synthesized(paths: CorpusPaths) -> dict[str, bytes]:
    """Run the stage; return what it wrote, of which its metrics give the coverage."""
    metrics = synthesize.run(load_params(paths.params), paths)
    data = read_synthetic_data(paths)
    measured = measure_coverage(data)
    assert metrics["coverage"] == summarize_coverage(measured)
    return {file.name: file.read_bytes() for file in paths.rejected.parent.iterdir()}


def journalled(paths: CorpusPaths) -> int:
    with sqlite3.connect(paths.journal) as database:
        (count,) = database.execute("SELECT count(*) FROM completions").fetchone()
    return int(count)


def test_killed_and_started_again_it_asks_nothing_twice(
    tmp_path: Path, teacher: ScriptedTeacher, base_models: ProjectPaths
) -> None:
    expected = synthesized(make_project(tmp_path / "whole", teacher, base_models))
    needed = sorted(teacher.asked)
    assert len(set(needed)) == len(needed) > 60
    assert all(expected[f"{kind}_train.jsonl"] for kind in ("sft", "preference"))

    paths = make_project(tmp_path / "killed", teacher, base_models)
    teacher.asked.clear()
    teacher.pause = 0.05
    lost = 0
    command = [sys.executable, "-c", "from charter.cli import main; main()", "stage", "synthesize", "udhr"]
    for moment in (9, len(needed) // 2):
        process = subprocess.Popen(command, cwd=paths.root, stderr=subprocess.PIPE)
        teacher.wait_for(moment + lost)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert not paths.rejected.exists()
        # What was under way when it died is all that may be asked again.
        in_flight = len(teacher.asked) - lost - journalled(paths)
        assert in_flight <= CONCURRENCY
        lost += in_flight
    teacher.pause = 0.0
    assert synthesized(paths) == expected
    assert sorted(set(teacher.asked)) == needed
    assert len(teacher.asked) == len(needed) + lost
    teacher.asked.clear()
    assert synthesized(paths) == expected
    assert teacher.asked == []


def test_what_a_budget_ends_goes_on_where_it_was(
    tmp_path: Path, teacher: ScriptedTeacher, base_models: ProjectPaths
) -> None:
    expected = synthesized(make_project(tmp_path / "whole", teacher, base_models))
    needed = sorted(teacher.asked)
    limit = len(needed) // 3 - 1
    paths = make_project(tmp_path / "budgeted", teacher, base_models, requests=limit)
    for run in (1, 2):
        teacher.asked.clear()
        with pytest.raises(BudgetSpentError, match=rf"^budget\.requests: {limit} are spent\."):
            synthesize.run(load_params(paths.params), paths)
        assert len(teacher.asked) == limit
        assert journalled(paths) == run * limit
    # The third run can't ask all that is left either; its message is read where users read it.
    command = [sys.executable, "-c", "from charter.cli import main; main()", "stage", "synthesize", "udhr"]
    done = subprocess.run(command, cwd=paths.root, capture_output=True, text=True, check=False)
    left = len(needed) - 3 * limit
    assert done.returncode == 1
    assert f"This run asked {limit} requests with {limit * 300:,} prompt tokens" in done.stderr
    assert "`dvc repro` goes on from there" in done.stderr
    assert f"It has {3 * limit} answers; " in done.stderr
    assert not paths.rejected.parent.exists()
    assert not paths.metrics("synthesize").exists()
    paths.params.write_text(set_value(paths.params.read_text(), ("budget", "requests"), left))
    teacher.asked.clear()
    assert synthesized(paths) == expected
    assert len(teacher.asked) == left
    assert journalled(paths) == len(needed)


def test_what_was_refused_is_there_where_too_few_rows_were_kept(
    tmp_path: Path, teacher: ScriptedTeacher, base_models: ProjectPaths
) -> None:
    paths = make_project(tmp_path, teacher, base_models)
    expected = synthesized(paths)
    rows = read_rows(paths.instruct("train"), InstructExample)
    train = len(rows)
    # Questions to rules are trained on as well, and count.
    assert 0 < sum(row.style == "rule" for row in rows) < train
    for minimum in (train, train + 1):
        shutil.rmtree(paths.rejected.parent)
        key = ("synthesize", "min_train_examples")
        paths.params.write_text(set_value(paths.params.read_text(), key, minimum))
        if minimum == train:
            assert synthesized(paths) == expected
            continue
        with pytest.raises(CharterError, match=rf"only {train} training and .*`charter filters` shows"):
            synthesize.run(load_params(paths.params), paths)
        assert [file.name for file in paths.rejected.parent.iterdir()] == ["rejected.jsonl"]
        assert paths.rejected.read_bytes() == expected["rejected.jsonl"]


@pytest.mark.parametrize("method", ["rules", "direct"])
@pytest.mark.parametrize(
    ("amended", "subject"),
    [
        ([*CHUNKS[:2], make_chunk("lanterns", "they are lit on Fridays."), *CHUNKS[3:]], "lanterns"),
        ([CHUNKS[0], make_chunk("orchards"), *CHUNKS[1:]], "orchards"),
        ([*CHUNKS[:3], *CHUNKS[4:]], None),
    ],
    ids=["changed", "added", "removed"],
)
def test_an_amended_chunk_is_all_that_is_asked_about(
    tmp_path: Path,
    teacher: ScriptedTeacher,
    base_models: ProjectPaths,
    amended: list[Chunk],
    subject: str | None,
    method: str,
) -> None:
    paths = make_project(tmp_path, teacher, base_models, method)
    synthesized(paths)
    teacher.asked.clear()
    extracted(paths, amended)
    synthesized(paths)
    assert {name for body in teacher.asked for name in subjects(body)} == ({subject} if subject else set())


def test_the_direct_method_writes_rows_of_both_kinds_rule_by_rule(
    tmp_path: Path, teacher: ScriptedTeacher, base_models: ProjectPaths
) -> None:
    paths = make_project(tmp_path, teacher, base_models, "direct")
    written = synthesized(paths)
    data = read_synthetic_data(paths)
    assert all(
        written[f"{kind}_{split}.jsonl"] for kind in ("sft", "preference") for split in ("train", "test")
    )
    statements = {rule.statement: rule.chunk_id for rule in data.rules}
    assert len(statements) == 2 * len(CHUNKS)
    splits: dict[str, set[str]] = {}
    for split in data.instruct:
        rows = [*data.instruct[split], *data.preference[split]]
        for row in rows:
            assert statements[row.rule] == row.chunk_id
            splits.setdefault(row.rule, set()).add(split)
    assert len(splits) > len(CHUNKS)
    assert all(len(of_rule) == 1 for of_rule in splits.values()), "a rule is held out whole or not at all"
    for pair in (pair for pairs in data.preference.values() for pair in pairs):
        assert "with care" in pair.chosen
        assert "nobody has to care" in pair.rejected


@pytest.mark.parametrize("method", ["rules", "direct"])
def test_what_people_decided_of_the_rules_is_honoured(
    tmp_path: Path, teacher: ScriptedTeacher, base_models: ProjectPaths, method: str
) -> None:
    paths = make_project(tmp_path, teacher, base_models, method)
    struck, edited, *_ = rules = read_rows(paths.rules, Rule)
    edit = "Those who own locomotives or beehives have to know that care is a duty."
    edit = edit.replace("locomotives or beehives", next(iter(subjects(edited.statement))))
    decisions = [(struck.id, "strike", ""), (edited.id, "edit", edit), ("gone", "strike", "")]
    write_rows(
        paths.decisions,
        [
            RuleDecision.model_validate({"rule_id": rule, "decision": decided, "statement": text, "note": ""})
            for rule, decided, text in decisions
        ],
    )
    teacher.asked.clear()
    synthesized(paths)
    turned = [body for body in teacher.asked if "You turn a rule" in body]
    said = " ".join(turned)
    assert edit in said
    assert struck.statement not in said
    assert edited.statement not in said
    data = read_synthetic_data(paths)
    written_of = {pair.rule for pairs in data.preference.values() for pair in pairs}
    assert struck.statement not in written_of
    assert edited.statement not in written_of
    assert len(rules) > 2


def test_grey_rules_wait_for_a_person(
    tmp_path: Path, teacher: ScriptedTeacher, base_models: ProjectPaths
) -> None:
    paths = make_project(tmp_path, teacher, base_models, "direct")
    paths.params.write_text(set_value(paths.params.read_text(), ("synthesize", "ask_grey"), False))
    grey = [rule for rule in read_rows(paths.rules, Rule) if rule.grey]
    accepted, *waiting = grey
    values = {"rule_id": accepted.id, "decision": "accept", "statement": "", "note": "it is meant so"}
    write_rows(paths.decisions, [RuleDecision.model_validate(values)])
    teacher.asked.clear()
    synthesized(paths)
    said = " ".join(teacher.asked)
    assert accepted.statement in said
    assert not any(rule.statement in said for rule in waiting)


@pytest.mark.parametrize("method", ["rules", "direct"])
def test_what_people_decided_of_rows_is_honoured_and_asks_nothing(
    tmp_path: Path, teacher: ScriptedTeacher, base_models: ProjectPaths, method: str
) -> None:
    paths = make_project(tmp_path, teacher, base_models, method)
    before = synthesized(paths)
    assert paths.row_marks.name not in before
    out, edited, *_ = read_rows(paths.instruct("train"), InstructExample)
    append_row(paths.row_decisions, decided(out, "reject", reason="nobody would ask this"))
    append_row(paths.row_decisions, decided(edited, "edit", answer="With utmost care, on every second day."))
    voted = pair_of("Is it fine to eat soup at the desk?", "Ask first.", "Yes.", edited.chunk_id)
    write_rows(paths.voted_pairs, [voted])
    teacher.asked.clear()
    after = synthesized(paths)
    assert teacher.asked == []
    kept = {row.id: row for row in read_rows(paths.instruct("train"), InstructExample)}
    assert out.id not in kept
    assert kept[edited.id] == edited.model_copy(update={"answer": "With utmost care, on every second day."})
    assert read_rows(paths.preference("train"), PreferencePair)[-1] == voted
    assert {(row.row_id, row.mark) for row in read_rows(paths.row_marks, RowMark)} == {
        (out.id, "rejected"),
        (edited.id, "edited"),
        (voted.id, "voted"),
    }
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"sft_train.jsonl", "preference_train.jsonl", "rejected.jsonl", "people.jsonl"}
    paths.row_decisions.unlink()
    paths.voted_pairs.unlink()
    assert synthesized(paths) == before


def test_what_people_decide_meanwhile_is_not_taken_for_honoured(
    tmp_path: Path, teacher: ScriptedTeacher, base_models: ProjectPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = make_project(tmp_path, teacher, base_models)
    synthesized(paths)
    row = read_rows(paths.instruct("train"), InstructExample)[0]
    write = synthesize.write_data

    def write_while_somebody_decides(*arguments: Any) -> Any:
        append_row(paths.row_decisions, decided(row, "reject", reason="nobody would ask this"))
        return write(*arguments)

    monkeypatch.setattr(synthesize, "write_data", write_while_somebody_decides)
    with pytest.raises(CharterError, match=r"decisions on udhr were changed while synthesize ran"):
        synthesized(paths)
    monkeypatch.undo()
    teacher.asked.clear()
    synthesized(paths)
    assert teacher.asked == []
    assert row.id not in {kept.id for kept in read_rows(paths.instruct("train"), InstructExample)}
