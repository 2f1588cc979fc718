"""synthesize against a server that counts: killed, started again, and with an amended document."""

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from charter.params import load_params
from charter.paths import CorpusPaths, ProjectPaths
from charter.records import Chunk, content_id
from charter.stages import synthesize
from charter.storage import write_json, write_rows
from charter.synthesis.coverage import measure_coverage, summarize_coverage
from charter.synthesis.dataset import read_synthetic_data
from local_server import serving
from rows import chunk_of
from synthetic_project import ROOT

pytestmark = pytest.mark.models

SUBJECTS = ("beehives", "locomotives", "lanterns", "violins", "glaciers", "ledgers", "orchards")
VERBS = ("sell", "paint", "count", "borrow", "hide", "inspect", "insure", "donate", "photograph", "bury")
TIMES = ("before dawn", "on a holiday", "without a licence", "in a school", "for a neighbour", "at sea")
CONCURRENCY = 4


class ScriptedTeacher(ThreadingHTTPServer):
    """A teacher whose reply follows from the request alone, and speaks of the subject it was asked about."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.pause = 0.0
        self.counted = threading.Condition()

    def wait_for(self, count: int) -> None:
        with self.counted:
            assert self.counted.wait_for(lambda: len(self.asked) >= count, timeout=120)


class Handler(BaseHTTPRequestHandler):
    server: ScriptedTeacher
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:
            return  # Its client was killed while it sent the request.
        text = body.decode()
        with self.server.counted:
            self.server.asked.append(text)
            self.server.counted.notify_all()
            self.server.counted.wait_for(lambda: False, timeout=self.server.pause)
        payload = json.dumps({"choices": [reply(json.loads(text))]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def reply(body: dict[str, Any]) -> dict[str, Any]:
    if body.get("logprobs"):
        asked = body["messages"][-1]["content"]
        yes, no = ("True", "False") if "True or False" in asked else ("Yes", "No")
        likely, unlikely = (-3.0, -0.05) if "Statement: No" in asked else (-0.05, -3.0)
        first = [{"token": yes, "logprob": likely}, {"token": no, "logprob": unlikely}]
        return {"message": {"content": yes}, "logprobs": {"content": [{"top_logprobs": first}]}}
    asked = body["messages"][-1]["content"]
    chance = hashlib.sha256(json.dumps(body["messages"]).encode() + bytes([body["seed"]])).digest()
    (subject,) = subjects(asked)
    act = f"{VERBS[chance[0] % len(VERBS)]} {subject} {TIMES[chance[1] % len(TIMES)]}"
    if body["temperature"]:
        return {"message": {"content": f"May I {act}?"}}
    # Shown a response, it is asked for the opposite one.
    answer = "No, nobody may" if "Yes, everybody may" in asked else "Yes, everybody may"
    return {"message": {"content": f"{answer} {act}."}}


def subjects(text: str) -> set[str]:
    return {subject for subject in SUBJECTS if subject in text}


def make_chunk(subject: str, rule: str = "") -> Chunk:
    text = f"This is what has to be known of {subject}: {rule or 'they are to be kept with care by all.'}"
    return chunk_of(
        text, chunk_id=content_id("rules", subject, text, "0"), document="rules", headings=(subject,)
    )


CHUNKS = [make_chunk(subject) for subject in SUBJECTS[:6]]


@pytest.fixture
def teacher() -> Iterator[ScriptedTeacher]:
    with serving(ScriptedTeacher()) as server:
        yield server


def make_project(root: Path, teacher: ScriptedTeacher, base_models: ProjectPaths) -> CorpusPaths:
    """A project whose teacher is the server, with chunks and the real encoder."""
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    values["base_models"]["teacher"] = {"artifact": None, "hub": None, "served": "scripted"}
    values["teacher"] |= {
        "engine": "openai",
        "base_url": f"http://127.0.0.1:{teacher.server_port}/v1",
        "concurrency": CONCURRENCY,
    }
    values["synthesize"]["min_train_examples"] = 1
    paths = CorpusPaths(root, "udhr")
    paths.encoder.parent.mkdir(parents=True)
    paths.encoder.symlink_to(base_models.encoder.resolve())
    write_json(paths.teacher / "source.json", {"served": "scripted"})
    paths.params.write_text(yaml.safe_dump(values))
    write_rows(paths.chunks, CHUNKS)
    return paths


def synthesized(paths: CorpusPaths) -> dict[str, bytes]:
    """Run the stage; return what it wrote, of which its metrics give the coverage."""
    metrics = synthesize.run(load_params(paths.params), paths)
    data = read_synthetic_data(paths)
    measured = measure_coverage(data.chunks, data.instruct, data.preference, data.rejected)
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
