"""A trial of synthesis: what it says before a run is what the run then asks of a server that counts."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from charter.generation.budget import Budget, BudgetSpentError
from charter.generation.engine import Completion, Request
from charter.generation.journal import JournaledEngine
from charter.generation.teacher import open_teacher
from charter.project.errors import CharterError
from charter.project.params import load_params
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.sections import Prices
from charter.stages import synthesize
from charter.synthesis.choose_method import choose_method
from charter.synthesis.context import open_context
from charter.synthesis.estimate import Trial, Workload, describe_refusals, try_synthesis
from charter.synthesis.rule_decisions import read_rules
from charter.synthesis.synthetic_data import SyntheticData
from local_server import serving
from params_text import set_value
from scripted_teacher import (
    CHUNKS,
    COMPLETION_TOKENS,
    PROMPT_TOKENS,
    ScriptedTeacher,
    make_project,
    subjects,
)

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


def tried(paths: CorpusPaths, chunks: int, list_rules: bool = False) -> Trial:
    params = load_params(paths.params)
    rules = [] if list_rules else read_rules(paths, ask_grey=True)
    with open_teacher(params, paths, Budget(params.budget)) as engine:
        context = open_context(params, paths, engine, rules)
        return try_synthesis(context, choose_method(params), chunks, list_rules)


@models
def test_the_whole_is_what_a_run_asks(
    paths: CorpusPaths, teacher: ScriptedTeacher, asked: dict[str, set[Request]]
) -> None:
    trial = tried(paths, 3)
    assert (trial.chunks, trial.of) == (3, 6)
    tried_requests = {request for requests in asked.values() for request in requests}
    assert len(teacher.asked) == len(set(teacher.asked)) == len(tried_requests)
    assert len({subject for body in teacher.asked for subject in subjects(body)}) == 3
    asked.clear()
    synthesize.run(load_params(paths.params), paths)
    # The value check isn't asked where a rule has a norm's words, as here.
    real = {purpose: len(requests) for purpose, requests in asked.items() if requests}
    assert "value check" not in real
    assert trial.whole.keys() == {*real, "all"}
    for purpose in ("scenarios", "questions"):
        assert trial.whole[purpose].requests == real[purpose]
    for purpose, count in real.items():
        assert trial.whole[purpose].requests == pytest.approx(count, rel=0.4, abs=4), purpose
    assert trial.whole["all"].requests == sum(
        work.requests for purpose, work in trial.whole.items() if purpose != "all"
    )
    # The run asked again for nothing that it could find in the journal.
    assert len(teacher.asked) == len(set(teacher.asked))


@models
def test_a_trial_of_all_is_the_run(paths: CorpusPaths, teacher: ScriptedTeacher) -> None:
    trial = tried(paths, 99)
    assert (trial.chunks, trial.of) == (6, 6)
    assert trial.whole["all"].prompt_tokens == PROMPT_TOKENS * trial.whole["all"].requests
    assert trial.whole["all"].generated_tokens == COMPLETION_TOKENS * trial.whole["all"].requests
    assert trial.training_rows == len(trial.rows.instruct["train"]) > 0
    assert trial.minutes is not None
    assert trial.minutes > 0
    teacher.asked.clear()
    metrics = synthesize.run(load_params(paths.params), paths)
    assert teacher.asked == []
    assert {kind: metrics[kind] for kind in trial.figures} == trial.figures
    # What the journal answers says nothing about time.
    again = tried(paths, 99)
    assert again.minutes is None
    assert again.whole == trial.whole


def trial_of(**changed: object) -> Trial:
    rows = SyntheticData((), (), {"train": []}, {}, ())
    values = {
        "chunks": 2,
        "of": 5,
        "rows": rows,
        "figures": {},
        "workloads": {"questions": Workload(3, 100, 10), "value check": Workload(2, 50, 2)},
        "seconds": 24.0,
    }
    return Trial(**(values | changed))  # type: ignore[arg-type]


def test_the_whole_scales_what_the_trial_asked() -> None:
    trial = trial_of()
    assert trial.whole == {
        "questions": Workload(8, 250, 25),
        "value check": Workload(5, 125, 5),
        "all": Workload(13, 375, 30),
    }
    assert trial.minutes == pytest.approx(1.0)
    assert trial.cost(Prices(unit="EUR", input=2, output=8)) == pytest.approx((2 * 375 + 8 * 30) / 1e6)
    assert trial_of(seconds=None).minutes is None
    assert trial_of().training_rows == 0


def test_refusals_are_named_those_first_that_refused_most() -> None:
    figures = {
        "instruct": {"rejected": {"form": 2, "support": 7}},
        "rule": {"rejected": {"form": 1}},
        "preference": {"rejected": {"value": 99}},
    }
    assert describe_refusals(figures) == "Of filters, support refused 7, form refused 3."
    assert describe_refusals({"instruct": {"rejected": {}}, "rule": {"rejected": {}}}) == (
        "No filter refused any."
    )


def test_a_corpus_without_chunks_is_named(tmp_path: Path) -> None:
    from charter.cli.synthesis import _try

    params = load_params(Path(__file__).parent.parent.parent / "params.yaml")
    with pytest.raises(CharterError, match=r"bcg\.jsonl: no chunks yet; run `dvc repro extract@bcg` first"):
        _try(params, CorpusPaths(tmp_path, "bcg"), 3)


@models
@pytest.mark.parametrize("first_chunks", [2, 0])
def test_a_run_that_keeps_too_little_ends_after_its_first_passages(
    paths: CorpusPaths, teacher: ScriptedTeacher, first_chunks: int
) -> None:
    text = paths.params.read_text()
    for key, value in (("first_chunks", first_chunks), ("min_train_examples", 900), ("min_support", 0.999)):
        text = set_value(text, ("synthesize", key), value)
    paths.params.write_text(text)
    with pytest.raises(CharterError) as caught:
        synthesize.run(load_params(paths.params), paths)
    about = {subject for body in teacher.asked for subject in subjects(body)}
    message = str(caught.value)
    assert "support refused " in message
    if first_chunks:
        assert len(about) == 2
        assert message.startswith("of 2 passages ")
        assert "so of all 6 some" in message
        assert "synthesize.min_train_examples asks for 900." in message
        assert "`charter preview` shows" in message
        assert not paths.rejected.parent.exists()
    else:
        assert len(about) == len(CHUNKS)
        assert message.startswith("only ")
        assert "asks for 900 and evaluation for one" in message
        assert [file.name for file in paths.rejected.parent.iterdir()] == ["rejected.jsonl"]


@models
def test_a_run_that_keeps_enough_goes_on_after_its_first_passages(
    paths: CorpusPaths, teacher: ScriptedTeacher
) -> None:
    paths.params.write_text(set_value(paths.params.read_text(), ("synthesize", "first_chunks"), 2))
    metrics = synthesize.run(load_params(paths.params), paths)
    assert metrics["instruct"]["chunks_without_example"] == 0
    assert len(teacher.asked) == len(set(teacher.asked))


@models
def test_a_spent_budget_says_how_far_the_run_got(paths: CorpusPaths, teacher: ScriptedTeacher) -> None:
    params = load_params(paths.params)
    for run in (1, 2):
        budget = params.budget.model_copy(update={"requests": 17})
        with pytest.raises(BudgetSpentError) as caught:
            synthesize.run(params.model_copy(update={"budget": budget}), paths)
        assert caught.value.answered == 17 * run == len(teacher.asked)


@models
def test_the_command_prints_one_object_a_corpus(paths: CorpusPaths) -> None:
    prices = {"unit": "EUR", "input": 2, "output": 8}
    paths.params.write_text(set_value(paths.params.read_text(), ("budget", "prices"), prices))
    command = [sys.executable, "-c", "from charter.cli import main; main()", "estimate", "udhr"]
    shown = [
        subprocess.run([*command, *more], cwd=paths.root, capture_output=True, text=True)
        for more in (["--json"], [])
    ]
    assert [done.returncode for done in shown] == [0, 0], shown
    (found,) = json.loads(shown[0].stdout)
    assert (found["corpus"], found["unit"]) == ("udhr", "EUR")
    whole = found["purposes"]["all"]
    assert found["minutes"] > 0
    assert found["cost"] == pytest.approx((2 * whole["prompt_tokens"] + 8 * whole["generated_tokens"]) / 1e6)
    for purpose, work in found["purposes"].items():
        assert purpose in shown[1].stdout
        assert f"{work['prompt_tokens']:,}" in shown[1].stdout
    assert "as 3 of 6 passages say" in shown[1].stdout
    assert "Time: not known, the journal had the answers." in shown[1].stdout
