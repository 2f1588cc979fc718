"""The benchmark against peers: what is run, what is read of it, and how it compares; no server is started."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml

from charter.project.paths import ProjectPaths
from charter.project.records import Chunk
from charter.project.storage import read_rows, write_json, write_rows, write_text
from local_server import serving
from rows import chunk_of
from scripted_teacher import CHUNKS, SUBJECTS, ScriptedTeacher
from scripted_teacher import make_project as make_scripted_project
from synthesis_contexts import settings_of
from synthetic_project import make_project

TEXTS = [f"Nobody may sell {name}." for name in ("honey", "arms", "votes", "maps")]


@pytest.fixture
def script(load_script: Callable[[str], ModuleType]) -> ModuleType:
    return load_script("benchmarks/peers")


@pytest.fixture
def peers(script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The script in a project of its own, with a corpus, and without environments and a teacher."""
    module = script
    make_project(tmp_path)
    paths = module.ProjectPaths(tmp_path).corpus("udhr")
    write_rows(paths.chunks, [chunk_of(text) for text in TEXTS])
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "environment", lambda cache, name: cache / name)
    monkeypatch.setattr(module, "dequantized_teacher", lambda paths, _: paths.teacher)
    return module


def pair(number: int, answer: str = "Nobody may do that.") -> dict[str, str]:
    return {"question": f"May I sell number {number}?", "answer": answer}


def stand_in(monkeypatch: pytest.MonkeyPatch, peers: ModuleType, kept: dict[str, Any]) -> list[str]:
    """Let each side write what ``kept`` has for it, in 0.1 s; return what happens, in its order."""
    happened = []

    @contextmanager
    def serve(*_: Path) -> Iterator[str]:
        happened.append("start")
        yield "http://served/v1"
        happened.append("stop")

    def run_side(commands: Sequence[Sequence[str]], log: Path) -> float:
        side, folder = log.parent.name, log.parent
        happened.append(side)
        assert all("http://served/v1" in command for command in commands)
        assert (folder / "document.txt").read_text() == "\n\n".join(TEXTS)
        assert [chunk.text for chunk in read_rows(folder / "chunks.jsonl", Chunk)] == TEXTS
        log.write_text("its parser refused everything\n")
        if kept[side] is not None:
            if side == peers.KIT:
                write_json(folder / "document_qa_pairs.json", {"summary": "", "qa_pairs": [pair(9)] * 9})
                write_json(folder / "curated.json", {"qa_pairs": kept[side], "metrics": {"total": 9}})
            else:
                write_json(folder / "pairs.json", {"written": 7, "pairs": kept[side]})
        return 6.0

    monkeypatch.setattr(peers, "serving_vllm", serve)
    monkeypatch.setattr(peers, "run_side", run_side)
    return happened


def test_all_sides_are_run_each_on_a_new_server_and_compared(
    peers: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    kept = {
        peers.OURS: [pair(number) for number in range(6)],
        # One is there twice, and one ends before its sentence does.
        peers.KIT: [pair(0), pair(0), pair(1) | {"rating": 8}, pair(2, "Nobody may")],
        peers.HUB: [pair(0), pair(1), pair(2)],
    }
    happened = stand_in(monkeypatch, peers, kept)
    peers.main(["--keep", str(tmp_path / "kept")])
    assert happened == [step for side in peers.SIDES for step in ("start", side, "stop")]
    output = capsys.readouterr()
    lines = [json.loads(line) for line in output.out.splitlines()]
    assert [(line["ours"], line["peer"], line["ratio"]) for line in lines] == [
        (60.0, 40.0, 1.5),
        (60.0, 20.0, 3.0),
        (60.0, 30.0, 2.0),
        (60.0, 30.0, 2.0),
    ]
    assert [line["name"].rpartition(" ")[2] for line in lines] == [peers.KIT] * 2 + [peers.HUB] * 2
    assert {line["unit"] for line in lines} == {"pairs/min"}
    assert "synthetic-data-kit: 9 pairs written, 4 kept, 2 of them in our form, in 6.0 s" in output.err
    assert "sdg_hub: 7 pairs written, 3 kept" in output.err
    happened.clear()
    peers.main(["--keep", str(tmp_path / "kept")])
    assert happened == []
    assert capsys.readouterr() == output


def test_a_side_that_keeps_nothing_is_told_with_what_it_said_and_has_no_ratio(
    peers: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, peers, {peers.OURS: [pair(0)], peers.HUB: None})
    peers.main(["--sides", peers.OURS, peers.HUB])
    output = capsys.readouterr()
    lines = [json.loads(line) for line in output.out.splitlines()]
    assert [(line["ours"], line["peer"], line["ratio"]) for line in lines] == [(10.0, 0.0, None)] * 2
    assert "sdg_hub: 0 pairs written, 0 kept" in output.err
    assert "its parser refused everything" in output.err


def test_a_corpus_that_is_none_is_refused(peers: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        peers.main(["--corpus", "nowhere"])
    assert ended.value.code == 2
    assert "--corpus: no 'nowhere'; there are udhr, bcg" in capsys.readouterr().err


def test_what_can_be_mended_is_a_message_and_exit_code_1(
    peers: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise peers.BenchmarkError("not done in 0 s")

    with pytest.raises(SystemExit) as ended:
        peers.run(fail)
    assert ended.value.code == 1
    assert capsys.readouterr() == ("", "not done in 0 s\n")


def test_each_side_is_told_the_chunks_the_server_and_the_model(peers: ModuleType, tmp_path: Path) -> None:
    folder, programs = tmp_path / "folder", tmp_path / "environment/bin"
    paths = ProjectPaths(tmp_path).corpus("udhr")
    chunks = [chunk_of(text) for text in TEXTS]

    def commands(side: str, programs: Path | None, kit_chunk_size: int | None = None) -> list[list[str]]:
        workload = peers.Workload(paths, "The Title", settings_of(), chunks, kit_chunk_size)
        return peers.commands_of(side, folder, programs, "http://x/v1", workload)

    ((python, script, *arguments),) = commands(peers.OURS, None)
    assert python == sys.executable
    assert Path(script).is_file()
    assert arguments == [str(tmp_path), str(folder), "udhr", "http://x/v1", "teacher"]
    ((python, script, *arguments),) = commands(peers.HUB, programs)
    assert python == str(programs / "python")
    assert Path(script).is_file()
    assert arguments == [str(folder), "The Title", "http://x/v1", "teacher"]
    create, curate = commands(peers.KIT, programs)
    assert create[:3] == [str(programs / "synthetic-data-kit"), "create", str(folder / "document.txt")]
    assert create[create.index("--num-pairs") + 1] == "24"
    assert curate[2] == str(folder / "document_qa_pairs.json")
    assert "--threshold" not in curate

    packaged = tmp_path / "environment/lib/python3.11/site-packages/synthetic_data_kit/config.yaml"
    write_text(
        packaged, "generation:\n  chunk_size: 4000  # Size\n  overlap: 200\ncurate: {threshold: 7.0}\n"
    )
    folder.mkdir()
    for command in commands(peers.KIT, programs, 1000):
        assert command[1:3] == ["--config", str(folder / "config.yaml")]
    assert yaml.safe_load((folder / "config.yaml").read_text()) == {
        "generation": {"chunk_size": 1000, "overlap": 200},
        "curate": {"threshold": 7.0},
    }


def test_the_teacher_is_dequantized_once_and_beside_nothing_of_its_own(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, cache = ProjectPaths(tmp_path), tmp_path / "cache"
    write_text(paths.teacher / "config.json", "{}")
    assert script.dequantized_teacher(paths, cache) == paths.teacher

    made: list[Path] = []

    def dequantize(gguf: Path) -> None:
        made.append(gguf.resolve())
        write_text(gguf.parent / "tokenizer_config.json", "{}")

    monkeypatch.setattr(script, "dequantize", dequantize)
    first, second = paths.teacher / "first.gguf", paths.teacher / "second.gguf"
    first.touch()
    for _ in range(2):
        assert script.dequantized_teacher(paths, cache) == cache / "teacher"
    first.rename(second)
    script.dequantized_teacher(paths, cache)
    assert made == [first, second]
    assert sorted(file.name for file in paths.teacher.iterdir()) == ["config.json", "second.gguf"]


def test_a_side_is_timed_also_where_a_command_of_it_fails(peers: ModuleType, tmp_path: Path) -> None:
    log = tmp_path / "log"
    commands = [
        ["sh", "-c", "sleep 0.2; echo first $LITELLM_LOCAL_MODEL_COST_MAP; exit 1"],
        ["echo", "second"],
    ]
    start = time.perf_counter()
    seconds = peers.run_side(commands, log)
    assert 0.2 <= seconds <= time.perf_counter() - start
    assert log.read_text().splitlines() == ["first True", "second"]


def test_a_side_that_never_ends_is_stopped(
    peers: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "SIDE_SECONDS", 0.2)
    with pytest.raises(peers.BenchmarkError, match="not done in 0 s: sleep 600"):
        peers.run_side([["sleep", "600"]], tmp_path / "log")


def test_the_flow_gets_every_chunk_and_its_metrics_are_read(
    load_script: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told: dict[str, Any] = {}

    class Flow:
        @staticmethod
        def from_yaml(path: str) -> "Flow":
            told["path"] = path
            return Flow()

        def set_model_config(self, **settings: Any) -> None:
            told.update(settings)

        def generate(self, dataset: Any, max_concurrency: int, log_dir: str) -> list[dict[str, str]]:
            told["rows"] = list(dataset)
            blocks = [
                {"block_name": "answer_generation", "input_rows": 8, "output_rows": 8},
                {"block_name": "eval_faithful_llm_chat", "input_rows": 5, "output_rows": 5},
            ]
            write_json(Path(log_dir) / "flow_20261126_metrics.json", {"block_metrics": blocks})
            return [{"question": "May I?", "response": "No.", "faithfulness_judgment": "YES"}]

    registry = SimpleNamespace(discover_flows=lambda: None, get_flow_path=lambda name: f"{name}.yaml")
    monkeypatch.setitem(sys.modules, "sdg_hub", SimpleNamespace(Flow=Flow, FlowRegistry=registry))
    flow = load_script("benchmarks/sides/sdg_hub_flow")
    write_rows(tmp_path / "chunks.jsonl", [chunk_of(text, headings=("Trade",)) for text in TEXTS])
    monkeypatch.setattr(sys, "argv", ["flow", str(tmp_path), "The Title", "http://x/v1", "teacher"])
    flow.main()
    assert (told["model"], told["api_base"]) == ("openai/teacher", "http://x/v1")
    assert [row["document"] for row in told["rows"]] == TEXTS
    assert {row["document_outline"] for row in told["rows"]} == {"The Title / Trade"}
    assert json.loads((tmp_path / "pairs.json").read_text()) == {
        "written": 5,
        "pairs": [{"question": "May I?", "answer": "No."}],
    }


@pytest.mark.models
def test_ours_writes_what_its_filters_kept(
    load_script: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
    base_models: ProjectPaths,
    tmp_path: Path,
) -> None:
    ours = load_script("benchmarks/sides/charter_instruct")
    folder = tmp_path / "folder"
    write_rows(folder / "chunks.jsonl", CHUNKS)
    with serving(ScriptedTeacher()) as teacher:
        paths = make_scripted_project(tmp_path / "project", teacher, base_models)
        url = f"http://127.0.0.1:{teacher.server_port}/v1"
        monkeypatch.setattr(sys, "argv", ["ours", str(paths.root), str(folder), "udhr", url, "scripted"])
        ours.main()
    requests = [json.loads(text) for text in teacher.asked]
    answers = [body for body in requests if not body["temperature"] and not body.get("logprobs")]
    result = json.loads((folder / "pairs.json").read_text())
    assert len(answers) + result["rules"] == result["written"] >= len(result["pairs"]) > 5
    sentences = [
        row["answer"] for row in result["pairs"] if any(row["answer"] in chunk.text for chunk in CHUNKS)
    ]
    assert len(sentences) == result["rules"] > 1
    for row in result["pairs"]:
        assert any(name in row["question"] and name in row["answer"] for name in SUBJECTS)
