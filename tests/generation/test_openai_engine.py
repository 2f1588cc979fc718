"""The openai engine over real HTTP: against transformers' own server, and against one that misbehaves."""

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openai
import pytest
from openai import _base_client

from charter.generation import server as server_module
from charter.generation.engine import Completion, Request, ask, ask_choice
from charter.generation.journal import JournaledEngine
from charter.generation.openai_engine import OpenAIEngine
from charter.generation.server import ModelServer
from charter.generation.transformers_engine import TransformersEngine
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import ProjectPaths
from charter.training.models import load_system
from local_server import serving
from transformers_server import TransformersServer, free_port, serve

KEY = "sk-very-secret"
QUESTION = ask(system="s", user="q", max_new_tokens=1)
CHOICE = ask_choice((("system", "s"), ("user", "q")), ("Yes", "No"))
WAIT_SECONDS = 120


class Fault:
    """What the server does instead of answering: a status with a text, garbage, or silence."""

    def __init__(self, status: int = 200, text: str | None = None, silence: float = 0.0, **headers: str):
        self.status, self.text, self.silence = status, text, silence
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers_when: Callable[[], bool] = lambda: True


class FaultyServer(ThreadingHTTPServer):
    """A chat-completions server that answers in capitals, after the faults it was given."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults: list[Fault] = []
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.pause = 0.0
        self.running = self.most_running = 0
        self.lock = threading.Condition()
        self.answers_when: Callable[[], bool] = lambda: True


class Handler(BaseHTTPRequestHandler):
    server: FaultyServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with server.lock:
            server.bodies.append(body)
            server.keys.append(self.headers.get("Authorization"))
            fault = server.faults.pop(0) if server.faults else Fault()
            server.running += 1
            server.most_running = max(server.most_running, server.running)
            server.lock.notify_all()
            assert server.lock.wait_for(lambda: fault.answers_when() and server.answers_when(), WAIT_SECONDS)
        time.sleep(fault.silence or server.pause)
        with server.lock:
            server.running -= 1
        choice: dict[str, Any] = {"message": {"content": body["messages"][-1]["content"].upper()}}
        if body.get("logprobs"):
            choice["logprobs"] = {"content": [{"top_logprobs": [{"token": "Yes", "logprob": -0.1}]}]}
        answer = json.dumps({"choices": [choice], "usage": {"completion_tokens": 3}})
        payload = (answer if fault.text is None else fault.text).encode()
        self.send_response(fault.status)
        for name, value in fault.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def hurry(monkeypatch: pytest.MonkeyPatch, first: float = 0.02) -> None:
    """Shorten the pauses of the client, which double from the first one."""
    monkeypatch.setattr(_base_client, "INITIAL_RETRY_DELAY", first)
    monkeypatch.setattr(_base_client, "MAX_RETRY_DELAY", 8 * first)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    hurry(monkeypatch)
    with serving(FaultyServer()) as running:
        yield running


def connect(server: FaultyServer, concurrency: int = 4) -> OpenAIEngine:
    return OpenAIEngine(
        ModelServer(f"http://127.0.0.1:{server.server_port}/v1", "acme/mixtral"), concurrency=concurrency
    )


def complete(engine: OpenAIEngine | TransformersEngine, *requests: Request) -> list[Completion]:
    found = dict(engine.complete(requests))
    return [found[index] for index in range(len(requests))]


@pytest.fixture(scope="module")
def transformers_server(
    base_models: ProjectPaths, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TransformersServer]:
    """The seed behind transformers' own server."""
    with serve(base_models.seed, tmp_path_factory.mktemp("server") / "log") as server:
        yield server


@pytest.mark.models
def test_a_real_server_says_what_the_model_says(
    transformers_server: TransformersServer, base_models: ProjectPaths, params: Params
) -> None:
    asked = ("Is theft wrong?", "Name a right.", "May I lie to my employer about a gift?", "Why?")
    requests = [ask(system="Be brief.", user=question, max_new_tokens=10) for question in asked]
    # Exact, but for the rounding of a float32 sum: so one request at a time here too.
    compute = params.compute.model_copy(update={"dtype": "float32", "device": "cpu"})
    in_process = TransformersEngine(*load_system(base_models.seed, None, compute), batch_size=1)
    served = OpenAIEngine(ModelServer(transformers_server.url, str(base_models.seed)), concurrency=3)
    answers = complete(served, *requests)
    assert [answer.text for answer in answers] == [answer.text for answer in complete(in_process, *requests)]
    assert all(1 < answer.tokens <= 10 for answer in answers)
    before_first_answer = transformers_server.log.read_text().partition('completions HTTP/1.1" 200')[0]
    assert before_first_answer.count("[Request received]") > 1


@pytest.mark.models
def test_a_real_server_without_logprobs_is_named(
    transformers_server: TransformersServer, base_models: ProjectPaths
) -> None:
    engine = OpenAIEngine(ModelServer(transformers_server.url, str(base_models.seed)), concurrency=1)
    with pytest.raises(CharterError, match=r"teacher\.base_url: .* gives none; start it as it was"):
        complete(engine, ask_choice((("user", "Is theft wrong? Yes or No."),), ("Yes", "No")))


@pytest.mark.models
def test_a_real_server_with_another_model_is_named(transformers_server: TransformersServer) -> None:
    engine = OpenAIEngine(ModelServer(transformers_server.url, "mixtral"), concurrency=1)
    with pytest.raises(CharterError, match=r"base_models\.teacher\.served: .* 'mixtral'.* HTTP 400"):
        complete(engine, QUESTION)
    engine = OpenAIEngine(ModelServer(transformers_server.url.removesuffix("/v1"), "mixtral"), concurrency=1)
    with pytest.raises(CharterError, match=r"teacher\.base_url ends in /v1; .* HTTP 404"):
        complete(engine, QUESTION)


def test_requests_carry_their_decoding_and_the_key(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\n")
    requests = [ask(system="s", user=f"q{number}", max_new_tokens=7, seed=number) for number in range(9)]
    completions = complete(connect(server), *requests)
    assert [completion.text for completion in completions] == [f"Q{number}" for number in range(9)]
    assert {body["seed"] for body in server.bodies} == set(range(9))
    assert all(body["max_tokens"] == 7 and body["model"] == "acme/mixtral" for body in server.bodies)
    assert set(server.keys) == {f"Bearer {KEY}"}


def test_without_a_key_none_is_sent(server: FaultyServer) -> None:
    complete(connect(server), QUESTION)
    assert server.keys == [None]


def test_concurrency_is_used_and_not_exceeded(server: FaultyServer) -> None:
    # None is answered before four are asked; the pause lets a fifth come, if one may.
    server.answers_when = lambda: server.most_running >= 4
    server.pause = 0.05
    requests = [ask(system="s", user=f"q{number}", max_new_tokens=1) for number in range(12)]
    assert [found.text for found in complete(connect(server), *requests)] == [f"Q{n}" for n in range(12)]
    assert server.most_running == 4


def test_a_slow_answer_holds_no_other_back(server: FaultyServer) -> None:
    server.faults = [Fault()]
    server.faults[0].answers_when = lambda: len(server.bodies) == 6
    requests = [ask(system="s", user=f"q{number}", max_new_tokens=1) for number in range(6)]
    order = [index for index, _ in connect(server, concurrency=2).complete(requests)]
    assert sorted(order) == list(range(6))
    # The sixth is asked when four others are answered; it may overtake the slow one or not.
    slow = server.bodies[0]["messages"][-1]["content"]
    assert slow in [f"q{index}" for index in order[4:]]


def test_a_verdict_brings_its_alternatives(server: FaultyServer) -> None:
    (completion,) = complete(connect(server), CHOICE)
    assert completion.alternatives == (("Yes", -0.1),)
    assert server.bodies[0]["top_logprobs"] == 5


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_passing_refusals_are_tried_again(server: FaultyServer, status: int) -> None:
    server.faults = [Fault(status, "busy"), Fault(status, "busy")]
    (completion,) = complete(connect(server), QUESTION)
    assert completion.text == "Q"
    assert len(server.bodies) == 3


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that the client would make, which it doesn't make: no clock is in what they are."""
    seconds: list[float] = []

    async def sleep(pause: float) -> None:
        seconds.append(pause)

    monkeypatch.setattr(_base_client, "anyio", SimpleNamespace(sleep=sleep))
    return seconds


def test_pauses_grow_and_are_not_all_alike(server: FaultyServer, pauses: list[float]) -> None:
    teacher = connect(server)
    for _ in range(2):
        server.faults = [Fault(503)] * 4
        complete(teacher, QUESTION)
    assert len(pauses) == 8
    for first, second, third, fourth in (pauses[:4], pauses[4:]):
        assert 0 < first < second < third < fourth
    assert pauses[:4] != pauses[4:]


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_waited_for(server: FaultyServer, pauses: list[float], form: str) -> None:
    value = "60" if form == "seconds" else formatdate(time.time() + 60, usegmt=True)
    server.faults = [Fault(429, Retry_After=value)]
    complete(connect(server), QUESTION)
    (pause,) = pauses
    # A date comes nearer while the request is on its way.
    assert pause == 60 if form == "seconds" else 0 < pause <= 60


def test_a_retry_after_nobody_waits_for_is_an_error(server: FaultyServer) -> None:
    server.faults = [Fault(429, "quota used up", Retry_After="86400")]
    with pytest.raises(CharterError, match=r"quota used up \(Retry-After: 86400\)"):
        complete(connect(server), QUESTION)
    assert len(server.bodies) == 1


def test_a_retry_after_that_says_nothing_is_passed_over(server: FaultyServer) -> None:
    server.faults = [Fault(503, Retry_After="soon")]
    assert complete(connect(server), QUESTION)[0].text == "Q"


def test_silence_is_tried_again(server: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "_TIMEOUT", openai.Timeout(0.3))
    server.faults = [Fault(silence=1.0)]
    assert complete(connect(server), QUESTION)[0].text == "Q"
    assert len(server.bodies) >= 2  # a busy machine may be silent once more


def test_a_lasting_fault_ends_after_a_bounded_number_of_tries(server: FaultyServer) -> None:
    server.faults = [Fault(503, "loading the model")] * 99
    with pytest.raises(CharterError, match=r"teacher\.base_url: .* HTTP 503: loading the model.* is kept"):
        complete(connect(server), QUESTION)
    assert len(server.bodies) == 17


def test_a_server_that_is_away_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch, 0.001)
    engine = OpenAIEngine(ModelServer(f"http://127.0.0.1:{free_port()}/v1", "mixtral"), concurrency=1)
    with pytest.raises(CharterError, match=r"teacher\.base_url: .* did not answer: ConnectError"):
        complete(engine, QUESTION)


def test_a_server_that_comes_late_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch, 0.1)
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        engine = OpenAIEngine(
            ModelServer(f"http://127.0.0.1:{place.getsockname()[1]}/v1", "m"), concurrency=1
        )

        def answer_late() -> None:
            time.sleep(0.5)
            place.listen()
            connection, _ = place.accept()
            with connection:
                connection.recv(65536)
                text = b'{"choices": [{"message": {"content": "here"}}]}'
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))

        thread = threading.Thread(target=answer_late)
        thread.start()
        assert complete(engine, QUESTION)[0].text == "here"
        thread.join()


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, r"teacher\.base_url: .* wants a key: set OPENAI_API_KEY .*none is set.* HTTP 401"),
        (400, r"base_models\.teacher\.served: .* refuses a request to 'acme/mixtral'.* HTTP 400"),
        (404, r"base_models\.teacher\.served: .* serves a model under that name.* HTTP 404"),
    ],
)
def test_lasting_refusals_say_what_to_do(server: FaultyServer, status: int, message: str) -> None:
    server.faults = [Fault(status, "no")]
    with pytest.raises(CharterError, match=message):
        complete(connect(server), QUESTION)
    assert len(server.bodies) == 1


def test_the_key_is_never_told(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.faults = [Fault(), Fault(503, f"busy, {KEY}"), Fault(401, f"bad key {KEY}")]
    path = tmp_path / "journal.sqlite"
    with JournaledEngine(path, "model", lambda: connect(server, concurrency=1)) as engine:
        engine.complete([QUESTION], "first")
        with pytest.raises(CharterError, match=r"bad key \[key\]") as caught:
            engine.complete([CHOICE], "second")
    assert KEY not in str(caught.value)
    assert KEY not in caplog.text
    assert all(KEY.encode() not in file.read_bytes() for file in tmp_path.iterdir())


def test_what_is_under_way_ends_when_no_more_is_admitted(server: FaultyServer) -> None:
    server.pause = 0.05
    requests = [ask(system="s", user=f"q{number}", max_new_tokens=1) for number in range(20)]
    for allowed in (0, 3, 9):
        server.bodies.clear()
        admissions = iter([True] * allowed + [False])
        found = dict(connect(server).complete(requests, lambda left=admissions: next(left)))
        assert sorted(found) == list(range(allowed))
        assert len(server.bodies) == allowed


@pytest.mark.parametrize("key", ["schlüssel", "a\nb"])
def test_a_key_that_is_none_is_refused_unseen(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(CharterError, match=r"^OPENAI_API_KEY has characters that no key has$"):
        OpenAIEngine(ModelServer("http://127.0.0.1:8000/v1", "mixtral"), concurrency=1)


@pytest.mark.parametrize(
    "address",
    ["localhost:8000/v1", "ftp://host/v1", "http://", "http://me:word@host/v1", "http://ho st:x/v1"],
)
def test_what_is_no_address_is_refused_at_once(address: str) -> None:
    with pytest.raises(CharterError, match=r"^teacher\.base_url") as caught:
        OpenAIEngine(ModelServer(address, "mixtral"), concurrency=1)
    assert "word" not in str(caught.value)


def test_a_failure_loses_nothing_that_was_under_way(server: FaultyServer, tmp_path: Path) -> None:
    """One request is refused; the others that were under way, of four at a time, still reach the journal."""
    server.faults = [Fault(400, "too long")]
    server.pause = 0.2
    requests = [ask(system="s", user=f"q{number}", max_new_tokens=1) for number in range(20)]
    path = tmp_path / "journal.sqlite"
    with (
        JournaledEngine(path, "model", lambda: connect(server)) as engine,
        pytest.raises(CharterError, match="too long"),
    ):
        engine.complete(requests, "first")
    # An answer that came before the refusal may have made place for one more.
    answered = len(server.bodies) - 1
    assert 3 <= answered <= 6
    with JournaledEngine(path, "model", lambda: connect(server)) as engine:
        assert [found.text for found in engine.complete(requests, "again")] == [f"Q{n}" for n in range(20)]
        assert engine.asked == 20 - answered
