"""charter estimate: what it says before a run is what the run then asks of a server that counts."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from charter.generation.budget import BudgetSpentError
from charter.generation.engine import Completion, Request
from charter.generation.journal import JournaledEngine
from charter.project.errors import CharterError
from charter.project.params import load_params
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.storage import write_json
from charter.stages import synthesize
from charter.synthesis.estimate import (
    DEFAULT_SHARES,
    SynthesisEstimate,
    estimate_synthesis,
    measure_speed,
    read_shares,
)
from local_server import serving
from params_text import set_value
from scripted_teacher import CHUNKS, COMPLETION_TOKENS, PROMPT_TOKENS, ScriptedTeacher, make_project

models = pytest.mark.models


@pytest.fixture
def teacher() -> Iterator[ScriptedTeacher]:
    with serving(ScriptedTeacher()) as server:
        yield server


@pytest.fixture
def paths(tmp_path: Path, teacher: ScriptedTeacher, base_models: ProjectPaths) -> CorpusPaths:
    return make_project(tmp_path, teacher, base_models)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[Request]]:
    """The requests of every run, by purpose."""
    requests: dict[str, set[Request]] = {}
    complete = JournaledEngine.complete

    def noted(self: JournaledEngine, now: Sequence[Request], purpose: str) -> list[Completion]:
        requests.setdefault(purpose, set()).update(now)
        return complete(self, now, purpose)

    monkeypatch.setattr(JournaledEngine, "complete", noted)
    return requests


def estimated(paths: CorpusPaths) -> SynthesisEstimate:
    return estimate_synthesis(load_params(paths.params), paths, None)


@models
def test_it_knows_every_purpose_and_by_the_last_run_how_often_it_is_asked(
    paths: CorpusPaths, teacher: ScriptedTeacher, asked: dict[str, set[Request]]
) -> None:
    first = estimated(paths)
    assert teacher.asked == []
    assert (first.certain, first.known) == (4 * len(CHUNKS), 0)
    write_json(paths.metrics("synthesize"), synthesize.run(load_params(paths.params), paths))
    real = {purpose: len(requests) for purpose, requests in asked.items()}
    assert first.purposes.keys() == {*real, "all"}
    for purpose in ("value check", "scenarios", "questions"):
        assert first.purposes[purpose].requests == real[purpose]

    after = estimated(paths)
    assert after.known == after.certain
    assert "its last run (data/metrics/udhr/synthesize.json)" in after.shares_from
    # This teacher says Yes to everything, which no metric says, and its scenarios share rules with questions.
    for purpose in real.keys() - {"yes or no again", "opposite rules"}:
        assert after.purposes[purpose].requests == pytest.approx(real[purpose], abs=2), purpose
    assert after.purposes["all"].requests == sum(
        work.requests for purpose, work in after.purposes.items() if purpose != "all"
    )


@models
def test_tokens_are_those_of_the_prompts_that_the_run_makes(
    paths: CorpusPaths, asked: dict[str, set[Request]]
) -> None:
    params = load_params(paths.params)
    synthesize.run(params, paths)
    found = estimated(paths)
    for purpose, requests in asked.items():
        real = sum(len(message.content) for request in requests for message in request.messages)
        work = found.purposes[purpose]
        # This teacher's sentences are shorter than the hundred characters that are counted for each.
        assert work.prompt_tokens / work.requests == pytest.approx(0.22 * real / len(requests), rel=0.25)
        assert 0 < work.new_tokens < work.prompt_tokens


@models
def test_a_calibration_asks_what_the_run_asks_and_sets_time_tokens_and_cost(
    paths: CorpusPaths, teacher: ScriptedTeacher
) -> None:
    prices = {"unit": "EUR", "input": 2, "output": 8}
    paths.params.write_text(set_value(paths.params.read_text(), ("budget", "prices"), prices))
    params = load_params(paths.params)
    teacher.pause = 0.05
    speed = measure_speed(params, [paths])
    assert speed is not None
    assert len(teacher.asked) == len(CHUNKS) + 16
    assert speed.start >= 0.05
    # Of four at once, five verdicts take two rounds and sixteen texts four.
    assert 2 * PROMPT_TOKENS < speed.read < 5 * PROMPT_TOKENS / 0.1
    assert 2 * COMPLETION_TOKENS < speed.write < 16 * COMPLETION_TOKENS / 0.2
    found = estimate_synthesis(params, paths, speed)
    whole = found.purposes["all"]
    assert found.purposes["value check"].prompt_tokens == pytest.approx(PROMPT_TOKENS * len(CHUNKS), rel=0.02)
    assert found.cost == pytest.approx((2 * whole.prompt_tokens + 8 * whole.generated_tokens) / 1e6)
    assert found.minutes is not None
    assert found.minutes * 60 > whole.generated_tokens / 2 / speed.write
    teacher.pause = 0.0
    synthesize.run(params, paths)
    assert len(set(teacher.asked)) == len(teacher.asked)
    assert measure_speed(params, [paths]) is None


@models
def test_a_spent_budget_says_how_far_the_run_got(paths: CorpusPaths, teacher: ScriptedTeacher) -> None:
    params = load_params(paths.params)
    for run in (1, 2):
        budget = params.budget.model_copy(update={"requests": 17})
        with pytest.raises(BudgetSpentError) as caught:
            synthesize.run(params.model_copy(update={"budget": budget}), paths)
        assert caught.value.answered == 17 * run == len(teacher.asked)


@models
def test_the_command_prints_one_object_a_corpus(paths: CorpusPaths, teacher: ScriptedTeacher) -> None:
    command = [sys.executable, "-c", "from charter.cli import main; main()", "estimate", "udhr"]
    shown = [
        subprocess.run([*command, "--no-calibrate", *more], cwd=paths.root, capture_output=True, text=True)
        for more in ([], ["--json"])
    ]
    assert [done.returncode for done in shown] == [0, 0]
    (found,) = json.loads(shown[1].stdout)
    assert found["corpus"] == "udhr"
    assert found["minutes"] is found["cost"] is None
    for purpose, work in found["purposes"].items():
        assert purpose in shown[0].stdout
        assert f"{work['prompt_tokens']:,}" in shown[0].stdout
    assert teacher.asked == []
    params = load_params(paths.params)
    with pytest.raises(CharterError, match=r"bcg\.jsonl: no chunks yet; run `dvc repro extract@bcg` first"):
        estimate_synthesis(params, ProjectPaths(paths.root).corpus("bcg"), None)


def test_shares_are_those_of_the_metrics(tmp_path: Path) -> None:
    paths = CorpusPaths(tmp_path, "udhr")
    assert read_shares(paths) == (DEFAULT_SHARES, "the two documents that come with Charter")
    metrics = {
        "coverage": {"chunks": 40},
        "instruct": {"requested": 100, "kept": 50, "rejected": {"support": 10, "answer": 20, "duplicate": 9}},
        "preference": {
            "requested": 60,
            "kept": 20,
            "rejected": {"verification": 10, "contrast": 10, "scenario": 20},
            "chunks_without_value": 4,
        },
        "rule": {"requested": 80, "kept": 20, "rejected": {"subject": 30, "duplicate": 15, "held-out": 5}},
    }
    write_json(paths.metrics("synthesize"), metrics)
    shares, _ = read_shares(paths)
    expected = {"value": 0.9, "scenario": 40 / 60, "contrast": 0.75, "question": 0.8, "answer": 0.75}
    assert shares == pytest.approx(expected | {"rule": 0.5})
    metrics["rule"] |= {"requested": 0, "kept": 0}
    write_json(paths.metrics("synthesize"), metrics)
    assert read_shares(paths)[0] == pytest.approx(expected | {"rule": DEFAULT_SHARES["rule"]})
    write_json(paths.metrics("synthesize"), {"instruct": {}})
    with pytest.raises(CharterError, match=r"synthesize\.json: not the metrics of synthesize"):
        read_shares(paths)
