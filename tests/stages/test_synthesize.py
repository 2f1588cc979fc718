"""synthesize against a server that counts: killed, started again, and with an amended document."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from charter.generation.budget import BudgetSpentError
from charter.project.params import load_params
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.records import Chunk, PreferencePair
from charter.project.storage import write_rows
from charter.stages import synthesize
from charter.synthesis.coverage import measure_coverage, summarize_coverage
from charter.synthesis.synthetic_data import read_synthetic_data
from charter.synthesis.writing import ties_by_rule
from local_server import serving
from params_text import set_value
from scripted_teacher import CHUNKS, CONCURRENCY, ScriptedTeacher, make_chunk, make_project, subjects

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
    assert f"It has {3 * limit} of some " in done.stderr
    assert not paths.rejected.parent.exists()
    assert not paths.metrics("synthesize").exists()
    paths.params.write_text(set_value(paths.params.read_text(), ("budget", "requests"), left))
    teacher.asked.clear()
    assert synthesized(paths) == expected
    assert len(teacher.asked) == left
    assert journalled(paths) == len(needed)


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
) -> None:
    paths = make_project(tmp_path, teacher, base_models)
    synthesized(paths)
    teacher.asked.clear()
    write_rows(paths.chunks, amended)
    synthesized(paths)
    assert {name for body in teacher.asked for name in subjects(body)} == ({subject} if subject else set())


def test_pairs_that_quote_one_rule_are_tied() -> None:
    pairs = [
        PreferencePair(id=str(number), chunk_id="a", prompt=f"May I {number}?", chosen=chosen, rejected="")
        for number, chosen in enumerate(("Yes. Gifts are fine.", "No. Pay first.", "No. Gifts are fine."))
    ]
    assert ties_by_rule(pairs, start=10) == [(10, 10), (11, 11), (10, 12)]
