"""The benchmark of engines: what it asks and how it compares, with engines that wait."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from charter.generation.engine import Completion, Request
from charter.project.records import SPLITS, InstructExample, content_id
from charter.project.storage import write_rows
from rows import chunk_of
from synthetic_project import make_project


class Waiting:
    """An engine that takes ``seconds`` an answer of 5 tokens."""

    def __init__(self, seconds: float):
        self.seconds, self.asked = seconds, []

    def complete(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        for index, request in enumerate(requests):
            time.sleep(self.seconds)
            self.asked.append(request)
            yield index, Completion(text="Nobody.", tokens=5)


@pytest.fixture
def benchmark(
    load_script: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> ModuleType:
    module = load_script("benchmarks/generation")
    make_project(tmp_path)
    for corpus in ("udhr", "bcg"):
        paths = module.ProjectPaths(tmp_path).corpus(corpus)
        write_rows(paths.chunks, [chunk_of(f"Nobody may {corpus}.", chunk_id=corpus)])
        for split in SPLITS:
            rows = [
                InstructExample(
                    id=content_id(split, str(number)),
                    chunk_id=corpus,
                    rule="",
                    style="content",
                    question=f"{split} {number}?",
                    answer="",
                )
                for number in range(5)
            ]
            write_rows(paths.instruct(split), rows)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    return module


def test_both_engines_answer_the_same_and_are_compared(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, peer = Waiting(0.005), Waiting(0.02)
    monkeypatch.setattr(benchmark, "load_ours", lambda *_: ours)
    monkeypatch.setattr(benchmark, "load_peer", lambda *_: peer)
    benchmark.main(["--answers", "12"])
    assert ours.asked == peer.asked
    said = [request.messages[-1].content for request in ours.asked]
    assert len(set(said)) == 12
    assert {"udhr", "bcg"} == {name for text in said for name in ("udhr", "bcg") if f"may {name}." in text}
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["unit"] for line in lines] == ["answers/s", "tokens/s"]
    for line in lines:
        assert 2 < line["ratio"] < 4.5
        assert line["ratio"] == pytest.approx(line["ours"] / line["peer"], rel=0.01)
