"""The load test: both sides are asked the same, and what goes wrong is counted and not timed."""

import json
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

from charter.project.paths import ProjectPaths
from charter.project.records import InstructExample, content_id
from charter.project.storage import write_rows
from local_server import serving
from played_server import Behaviour, Fault, PlayedServer
from synthetic_project import make_project

QUESTIONS = {"Why?", "When?", "Who?"}


@pytest.fixture
def benchmark(
    load_script: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ModuleType:
    module = load_script("benchmarks/serving_load")
    make_project(tmp_path, ("udhr",))
    rows = [
        InstructExample(
            id=content_id(text), chunk_id="c", style="fact", rule="", question=text, answer="Since."
        )
        for text in sorted(QUESTIONS)
    ]
    write_rows(ProjectPaths(tmp_path).corpus("udhr").instruct("test"), rows)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "run_quietly", lambda _: None)
    return module


def served_by(server: PlayedServer) -> Callable[..., object]:
    @contextmanager
    def serve(*_: object) -> Iterator[tuple[str, str]]:
        yield server.url.removesuffix("/v1"), "played"

    return serve


def test_both_sides_are_asked_the_same_and_what_fails_is_counted(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    faults = [Fault(), Fault(status=503), Fault(drops=True)]
    with (
        serving(PlayedServer(Behaviour())) as ours,
        serving(PlayedServer(Behaviour(faults=faults, reply=lambda _: "No"))) as peer,
    ):
        monkeypatch.setattr(benchmark, "_ours", served_by(ours))
        monkeypatch.setattr(benchmark, "_peer", served_by(peer))
        benchmark.main(["udhr", "--clients", "2", "--requests", "4", "--rounds", "2"])
    asked = [[body["messages"][0]["content"] for body in server.bodies] for server in (ours, peer)]
    assert len(asked[0]) == len(asked[1]) == 2 * (1 + 4)
    assert sorted(asked[0]) == sorted(asked[1])
    assert set(asked[0]) == QUESTIONS | {"Is it ready?"}
    assert {body["temperature"] for body in ours.bodies + peer.bodies} == {0}
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (lines[0]["replies"], lines[0]["errors"]) == (8, {})
    assert lines[1]["replies"] == 6
    assert lines[1]["errors"]["status 503"] == 1
    assert sum(lines[1]["errors"].values()) == 2
    assert (lines[2]["questions"], lines[2]["same reply"]) == (3, 0)
    assert [line["name"] for line in lines[3:]] == ["requests", "tokens", "p50", "p95"]
    assert lines[3]["ours"] == pytest.approx(lines[0]["requests"], abs=1e-4)
    assert lines[4]["ours"] == pytest.approx(2 * lines[3]["ours"], abs=1e-3)


def test_figures_are_of_the_replies_that_came(benchmark: ModuleType) -> None:
    load = benchmark.Load(seconds=4.0, replies=[(1.0, 10), (2.0, 10), (3.0, 20)])
    assert load.figures() == {"requests": 0.75, "tokens": 10.0, "p50": 2.0, "p95": pytest.approx(2.9)}


def test_the_peer_is_the_merged_model_and_ours_has_room_for_all_clients(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commands = []

    @contextmanager
    def serve(command: list[str], *_: object) -> Iterator[None]:
        commands.append(" ".join(command))
        yield

    monkeypatch.setattr(benchmark, "serving", serve)
    options = Namespace(corpus="udhr", clients=32, peer_batches=True)
    for side in (benchmark._ours, benchmark._peer):
        with side(tmp_path, options) as (url, _):
            assert url.startswith("http://127.0.0.1:")
    assert "charter serve udhr --port" in commands[0]
    assert "--concurrency 32 --waiting 32" in commands[0]
    assert f"transformers serve {tmp_path}/merged" in commands[1]
    assert commands[1].endswith("--continuous-batching")


def test_without_questions_it_says_what_makes_them(benchmark: ModuleType, tmp_path: Path) -> None:
    for file in (tmp_path / "data/synthetic/udhr").glob("sft_*.jsonl"):
        file.unlink()
    with pytest.raises(benchmark.BenchmarkError, match="dvc repro synthesize@udhr"):
        benchmark.main(["udhr"])
