"""The journal: nothing is asked twice, after a crash and beside another process too."""

import hashlib
import json
import math
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import charter
from charter.generation.engine import Completion, Message, Request, ask, ask_choice
from charter.generation.journal import JournaledEngine
from charter.project.errors import CharterError


class DyingEngine:
    """Answers ``lives`` requests with their own text, then dies as a killed process would: midway."""

    def __init__(self, lives: int):
        self.lives = lives
        self.served: list[Request] = []

    def complete(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        for index, request in enumerate(requests):
            if len(self.served) == self.lives:
                raise KeyboardInterrupt
            self.served.append(request)
            yield index, Completion(text=request.messages[-1].content.upper(), tokens=1)


def test_journal_asks_nothing_twice_even_after_a_crash(tmp_path: Path) -> None:
    requests = [ask(system="s", user=f"q{number}", max_new_tokens=5) for number in range(6)]
    first, second = DyingEngine(lives=4), DyingEngine(lives=99)
    path = tmp_path / "work/journal.sqlite"
    with JournaledEngine(path, "model", lambda: first) as engine, pytest.raises(KeyboardInterrupt):
        engine.complete(requests, "test")
    with JournaledEngine(path, "model", lambda: second) as engine:
        completions = engine.complete([*requests, requests[0]], "test")
        assert engine.asked == 2
    assert [completion.text for completion in completions] == ["Q0", "Q1", "Q2", "Q3", "Q4", "Q5", "Q0"]
    assert [*first.served, *second.served] == requests


def test_journal_tells_models_and_decodings_apart(tmp_path: Path) -> None:
    request = ask(system="s", user="q", max_new_tokens=5)
    warmer = request.model_copy(update={"temperature": 0.5})
    engines = {"model": DyingEngine(9), "other": DyingEngine(9)}
    for name in ("model", "other", "model"):
        with JournaledEngine(tmp_path / "journal.sqlite", name, lambda name=name: engines[name]) as engine:
            engine.complete([request, warmer], "test")
    assert {name: engine.served for name, engine in engines.items()} == {
        "model": [request, warmer],
        "other": [request, warmer],
    }


def test_an_answer_is_found_by_model_messages_and_decoding_alone(tmp_path: Path) -> None:
    """The key is pinned: whatever else is edited in the code, what was asked is found again."""
    path = tmp_path / "journal.sqlite"
    request = Request(
        messages=(Message(role="system", content="s"), Message(role="user", content="q")),
        max_new_tokens=5,
        temperature=0.7,
        seed=3,
        choices=("Yes", "No"),
    )
    with JournaledEngine(path, "model", lambda: DyingEngine(1)) as engine:
        engine.complete([request], "test")
    decoding = '"max_new_tokens":5,"temperature":0.7,"seed":3,"alternatives":5'
    messages = '[{"role":"system","content":"s"},{"role":"user","content":"q"}]'
    with sqlite3.connect(path) as database:
        ((key,),) = database.execute("SELECT key FROM completions").fetchall()
    asked = f'model\n{{"messages":{messages},{decoding}}}'
    assert key == hashlib.sha256(asked.encode()).hexdigest()


def test_a_docstring_voids_nothing(tmp_path: Path) -> None:
    """The journal of one state of the code answers another one, whose sources differ."""
    source, ask_again = Path(charter.__file__).parent, "from charter.generation.engine import ask\n" + ASKS
    shutil.copytree(source, tmp_path / "other/charter", ignore=shutil.ignore_patterns("__pycache__"))
    for module in (tmp_path / "other/charter").rglob("*.py"):
        module.write_text(module.read_text() + '\n"""One more line."""\n')
    counts = []
    for folder in (source.parent, tmp_path / "other"):
        done = subprocess.run(
            [sys.executable, "-c", ask_again, tmp_path / "journal.sqlite"],
            env=os.environ | {"PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            check=True,
        )
        counts.append(done.stdout.split())
    assert counts == [["1", str(source)], ["0", str(tmp_path / "other/charter")]]


def test_a_model_may_rule_a_token_out(tmp_path: Path) -> None:
    completion = Completion(text="Yes", tokens=1, alternatives=(("Yes", -0.0), ("No", -math.inf)))

    class Certain:
        def complete(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
            yield 0, completion

    for _ in range(2):
        with JournaledEngine(tmp_path / "journal.sqlite", "model", Certain) as engine:
            assert engine.complete([ask_choice((("user", "Sure?"),), ("Yes", "No"))], "test") == [completion]


ASKS = """
import sys
from pathlib import Path
import charter
from charter.generation.engine import Completion
from charter.generation.journal import JournaledEngine

class Engine:
    def complete(self, requests):
        yield 0, Completion(text="yes", tokens=1)

with JournaledEngine(Path(sys.argv[1]), "model", Engine) as engine:
    engine.complete([ask(system="s", user="q", max_new_tokens=5)], "test")
    print(engine.asked, Path(charter.__file__).parent)
"""

WRITER = """
import os, sys, time
from pathlib import Path
from charter.generation.engine import Completion, ask
from charter.generation.journal import JournaledEngine

class Engine:
    def complete(self, requests):
        for index, request in enumerate(requests):
            time.sleep(0.005)
            yield index, Completion(text=f"{request.messages[-1].content} says {os.getpid()}", tokens=1)

print("ready", flush=True)
sys.stdin.readline()
requests = [ask(system="s", user=f"q{number}", max_new_tokens=1) for number in range(150)]
if sys.argv[2] == "backwards":
    requests.reverse()
with JournaledEngine(Path(sys.argv[1]), "model", Engine) as engine:
    print("\\n".join(sorted(completion.text for completion in engine.complete(requests, "test"))))
"""


def test_two_processes_share_what_the_first_was_told(tmp_path: Path) -> None:
    """Both ask the same; each goes on with the answer that a rerun will find, whoever asked first."""
    path = tmp_path / "new/journal.sqlite"
    command = [sys.executable, "-c", WRITER, str(path)]
    writers = [
        subprocess.Popen([*command, order], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for order in ("forwards", "backwards")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    outputs = [writer.communicate(timeout=300)[0] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    assert outputs[0] == outputs[1]
    assert len(outputs[0].splitlines()) == 150
    assert {line.rpartition(" ")[2] for line in outputs[0].splitlines()} == {
        str(writer.pid) for writer in writers
    }
    with sqlite3.connect(path) as database:
        rows = database.execute("SELECT completion FROM completions").fetchall()
    assert sorted(json.loads(text)["text"] for (text,) in rows) == outputs[0].splitlines()


def test_what_is_no_journal_is_named(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_text("notes of mine, " * 100)
    with pytest.raises(CharterError, match=r"journal\.sqlite: file is not a database; is it a journal"):
        JournaledEngine(path, "model", lambda: DyingEngine(0))
    assert path.read_text().startswith("notes of mine")
