"""A teacher that is a server: its replies follow from the requests alone, and it counts them."""

import hashlib
import json
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from charter.project.params import load_params
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.records import Chunk, content_id
from charter.project.storage import write_json, write_rows
from charter.stages import rules
from rows import chunk_of
from synthetic_project import ROOT

SUBJECTS = ("beehives", "locomotives", "lanterns", "violins", "glaciers", "ledgers", "orchards")
VERBS = ("sell", "paint", "count", "borrow", "hide", "inspect", "insure", "donate", "photograph", "bury")
TIMES = ("before dawn", "on a holiday", "without a licence", "in a school", "for a neighbour", "at sea")
CONCURRENCY = 4
PROMPT_TOKENS, COMPLETION_TOKENS = 300, 20
"""What it says that each request took."""


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
        text = self.rfile.read(length).decode()
        if len(text.encode()) < length:
            return  # Who asked was killed before all was said.
        with self.server.counted:
            self.server.asked.append(text)
            self.server.counted.notify_all()
            self.server.counted.wait_for(lambda: False, timeout=self.server.pause)
        usage = {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": COMPLETION_TOKENS}
        payload = json.dumps({"choices": [reply(json.loads(text))], "usage": usage}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def reply(body: dict[str, Any]) -> dict[str, Any]:
    asked = body["messages"][-1]["content"]
    if body.get("logprobs"):
        yes, no = ("True", "False") if "True or False" in asked else ("Yes", "No")
        likely, unlikely = (-3.0, -0.05) if "nobody has to care" in asked else (-0.05, -3.0)
        first = [{"token": yes, "logprob": likely}, {"token": no, "logprob": unlikely}]
        return {"message": {"content": yes}, "logprobs": {"content": [{"top_logprobs": first}]}}
    chance = hashlib.sha256(json.dumps(body["messages"]).encode() + bytes([body["seed"]])).digest()
    (subject,) = subjects(asked)
    act = f"{VERBS[chance[0] % len(VERBS)]} {subject} {TIMES[chance[1] % len(TIMES)]}"
    if body["temperature"]:
        return {"message": {"content": f"May I {act}?"}}
    if body["messages"][0]["content"].startswith("You turn a rule"):
        text = f"This is what nobody has to care for of {subject}, who wants to {act}."
    elif "JSON array" in asked:
        text = json.dumps(rules_of(asked, subject))
    elif asked.startswith("Somebody writes") and "nobody has to care" in asked:
        text = f"You are free to {act}, since nobody has to care for {subject}."
    elif asked.startswith("Somebody writes"):
        text = f"You may {act} if you keep your {subject} with care."
    else:
        text = f"Yes, everybody may {act}: they are to be kept with care."
    return {"message": {"content": text}}


def rules_of(asked: str, subject: str) -> list[dict[str, Any]]:
    """What it lists of a passage: its first sentence, and its second one, which it takes to be grey."""
    first = asked[asked.index("Everybody") :]
    quotation = first[: first.index(".") + 1]
    rule = {"modality": "duty", "limits": [], "deciders": [], "reason": None}
    return [
        rule | {"statement": f"Care for {subject}: {quotation}", "quotation": quotation, "grey": None},
        rule
        | {
            "statement": f"All lending of {subject} to anybody is forbidden.",
            "quotation": f"Nobody may lend {subject}.",
            "grey": "implied: by whom",
        },
    ]


def subjects(text: str) -> set[str]:
    return {subject for subject in SUBJECTS if subject in text}


def make_chunk(subject: str, rule: str = "") -> Chunk:
    known = rule or "they are to be kept with care."
    text = f"Everybody has to know this of {subject}: {known} Nobody may lend {subject}."
    return chunk_of(
        text, chunk_id=content_id("rules", subject, text, "0"), document="rules", headings=(subject,)
    )


CHUNKS = [make_chunk(subject) for subject in SUBJECTS[:6]]


def make_project(
    root: Path, teacher: ScriptedTeacher, base_models: ProjectPaths, method: str = "rules", **budget: Any
) -> CorpusPaths:
    """A project whose teacher is the server, with chunks, their rules and the real encoder."""
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    values["base_models"]["teacher"] = {"artifact": None, "hub": None, "served": "scripted"}
    values["teacher"] |= {
        "engine": "openai",
        "base_url": f"http://127.0.0.1:{teacher.server_port}/v1",
        "concurrency": CONCURRENCY,
    }
    values["budget"] |= budget
    values["synthesize"] |= {"method": method, "min_train_examples": 1, "min_grounded": 0.4}
    values["synthesize"] |= {"test_share": 0.5, "pair_test_share": 0.5, "max_practical": 0}
    paths = CorpusPaths(root, "udhr")
    paths.encoder.parent.mkdir(parents=True)
    paths.encoder.symlink_to(base_models.encoder.resolve())
    write_json(paths.teacher / "source.json", {"served": "scripted"})
    paths.params.write_text(yaml.safe_dump(values))
    extracted(paths, CHUNKS)
    return paths


def extracted(paths: CorpusPaths, chunks: Sequence[Chunk]) -> None:
    """Let the document have these chunks, and make its register."""
    write_rows(paths.chunks, chunks)
    rules.run(load_params(paths.params), paths)
