"""The openai engine over real HTTP: retries, refusals, concurrency, the key."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from charter.errors import CharterError
from charter.generation.engine import ask, ask_choice
from charter.generation.openai_engine import OpenAIEngine


class Server(ThreadingHTTPServer):
    """A chat-completions server that first sends the refusals it was given."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.refusals: list[tuple[int, dict[str, str]]] = []
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.bodies.append(body)
            self.server.keys.append(self.headers.get("Authorization"))
            status, headers = self.server.refusals.pop(0) if self.server.refusals else (200, {})
        text = body["messages"][-1]["content"].upper()
        logprobs = {"content": [{"top_logprobs": [{"token": "Yes", "logprob": -0.1}]}]}
        choice = {"message": {"content": text}, "logprobs": logprobs if body.get("logprobs") else None}
        payload = json.dumps({"choices": [choice], "usage": {"completion_tokens": 3}}).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def connect(server: Server) -> OpenAIEngine:
    return OpenAIEngine(f"http://127.0.0.1:{server.server_port}/v1", "mixtral", concurrency=4)


def test_requests_carry_their_decoding(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    requests = [ask(system="s", user=f"q{number}", max_new_tokens=7, seed=number) for number in range(9)]
    completions = dict(connect(server).complete(requests))
    assert [completions[number].text for number in range(9)] == [f"Q{number}" for number in range(9)]
    assert {body["seed"] for body in server.bodies} == set(range(9))
    assert all(body["max_tokens"] == 7 and body["model"] == "mixtral" for body in server.bodies)
    assert set(server.keys) == {"Bearer secret"}


def test_a_verdict_brings_its_alternatives(server: Server) -> None:
    ((_, completion),) = connect(server).complete([ask_choice((("system", "s"), ("user", "q")))])
    assert completion.alternatives == (("Yes", -0.1),)
    assert server.bodies[0]["top_logprobs"] == 5


def test_passing_refusals_are_tried_again(server: Server) -> None:
    server.refusals = [(429, {"Retry-After": "1"}), (503, {})]
    ((_, completion),) = connect(server).complete([ask(system="s", user="q", max_new_tokens=1)])
    assert completion.text == "Q"
    assert len(server.bodies) == 3


def test_lasting_refusal_names_the_parameter_and_not_the_key(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    server.refusals = [(401, {})]
    with pytest.raises(CharterError, match=r"teacher\.base_url: .* HTTP 401") as caught:
        list(connect(server).complete([ask(system="s", user="q", max_new_tokens=1)]))
    assert "secret" not in str(caught.value)
    assert len(server.bodies) == 1
