"""A chat-completions server on loopback that plays what servers do: one flag of `Behaviour` each."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from charter.generation.capabilities import probe
from charter.generation.engine import Completion, Request, ask, ask_choice
from charter.generation.openai_engine import OpenAIEngine
from charter.generation.server import ModelServer
from local_server import serving

THINKING = 1000
QUESTION = ask(system="Be brief.", user="Why?", max_new_tokens=20)
CHOICE = ask_choice((("system", "Be brief."), ("user", "Yes or No?")), ("Yes", "No"))
LONG = "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens"

Reply = Callable[[dict[str, Any]], str]


def answer(body: dict[str, Any]) -> str:
    """Obey a system turn that gives a password, and answer yes-or-no questions with Yes."""
    return "bluebird" if "bluebird" in str(body["messages"][0]["content"]) else "Yes"


@dataclass
class Fault:
    """What comes in place of a completion: a status and a text or, where it ``drops``, half of that."""

    status: int = 200
    text: str = '{"error": {"message": "later"}}'
    headers: dict[str, str] = field(default_factory=dict)
    drops: bool = False


@dataclass
class Behaviour:
    """What the server does; by default all that it is asked for."""

    logprobs: bool = True
    refuses: tuple[str, ...] = ()
    """Parameters that it answers with HTTP 400."""
    ignores: tuple[str, ...] = ()
    """Parameters that it takes and does nothing about."""
    obeys_system: bool = True
    thinks: str = ""
    """Where its thoughts are: tags, opened (by the prompt), unclosed, hidden, or the name of a field."""
    thoughts: int = 100
    """Tokens that its thoughts take; with fewer granted nothing else comes."""
    usage: Any = field(default_factory=lambda: {"prompt_tokens": 30, "completion_tokens": 2})
    faults: list[Fault] = field(default_factory=list)
    """What comes before the first answer."""
    special: dict[str, Fault | dict[str, Any]] = field(default_factory=dict)
    """What comes for requests in which a phrase is: a fault, or what the choice has in place of its own."""
    pause: float = 0.0
    reply: Reply = answer


class PlayedServer(ThreadingHTTPServer):
    """The server; ``bodies`` are what it was asked, ``keys`` what came as Authorization."""

    daemon_threads = True

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviour = behaviour
        self.bodies: list[dict[str, Any]] = []
        self.keys: set[str | None] = set()
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: PlayedServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.keys.add(self.headers.get("Authorization"))
        self.send(Fault(text='{"data": [{"id": "played", "owned_by": "tests"}]}'))

    def do_POST(self) -> None:
        played = self.server.behaviour
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.bodies.append(body)
            self.server.keys.add(self.headers.get("Authorization"))
            fault = played.faults.pop(0) if played.faults else None
        time.sleep(played.pause)
        asked = json.dumps(body["messages"], ensure_ascii=False)
        special = next((found for phrase, found in played.special.items() if phrase in asked), {})
        fault = special if isinstance(special, Fault) else fault
        if fault is not None:
            self.send(fault)
        elif refused := sorted(refusals(played, body)):
            message = f"Unsupported parameter: {refused[0]} is not supported with this model."
            self.send(
                Fault(400, json.dumps({"error": {"message": message, "code": "unsupported_parameter"}}))
            )
        else:
            found = choice(played, body) | special
            self.send(Fault(text=json.dumps({"choices": [found], "usage": played.usage})))

    def send(self, sent: Fault) -> None:
        payload = sent.text.encode()
        self.send_response(sent.status)
        for name, value in sent.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload[: len(payload) // 2] if sent.drops else payload)
        self.close_connection |= sent.drops

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def refusals(played: Behaviour, body: dict[str, Any]) -> set[str]:
    used = body.keys() | ({"system"} if body["messages"][0]["role"] == "system" else set())
    return used & set(played.refuses)


def choice(played: Behaviour, body: dict[str, Any]) -> dict[str, Any]:
    body = {key: value for key, value in body.items() if key not in played.ignores}
    if not played.obeys_system:
        body["messages"] = [turn for turn in body["messages"] if turn["role"] != "system"]
    text = played.reply(body)
    if schema := body.get("response_format"):
        words = schema["json_schema"]["schema"]["properties"]["answer"]["enum"]
        text = json.dumps({"answer": next((word for word in words if word in text), words[0])})
    message: dict[str, Any] = {"role": "assistant", "content": text}
    finish = "stop"
    if played.thinks:
        granted = body.get("max_tokens") or body.get("max_completion_tokens") or 10**6
        ended = granted > played.thoughts and played.thinks != "unclosed"
        message |= thinking(played.thinks, text, ended=ended)
        finish = finish if ended else "length"
    found: dict[str, Any] = {"message": message, "finish_reason": finish}
    if played.logprobs and body.get("logprobs"):
        pair = {"Yes": "No", "No": "Yes", "True": "False", "False": "True"}
        other = pair.get(text, "Hm")
        tokens = [{"token": text, "logprob": -0.1}, {"token": other, "logprob": -2.4}]
        found["logprobs"] = {"content": [{"top_logprobs": tokens}]}
    return found


def thinking(where: str, text: str, *, ended: bool) -> dict[str, Any]:
    thoughts = "No, wait. The user asks"
    if where == "hidden":
        return {"content": text if ended else None}
    if where in ("tags", "unclosed"):
        return {"content": f"<think>{thoughts}</think>\n\n{text}" if ended else f"<think>{thoughts}"}
    if where == "opened":
        return {"content": f"{thoughts}</think>\n\n{text}" if ended else thoughts}
    return {"content": text if ended else None, where: thoughts}


class Played:
    """Starts servers, and connects to them by what a probe found."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def start(self, behaviour: Behaviour) -> tuple[PlayedServer, ModelServer]:
        server = self._stack.enter_context(serving(PlayedServer(behaviour)))
        return server, ModelServer(server.url, "played")

    def ask(
        self, behaviour: Behaviour, request: Request, samples: int = 1
    ) -> tuple[Completion, PlayedServer]:
        """Probe, forget what the probe asked, and ask one request."""
        server, model = self.start(behaviour)
        found = probe(model, THINKING)
        server.bodies.clear()
        engine = OpenAIEngine(
            model, concurrency=2, capabilities=found, thinking_tokens=THINKING, verdict_samples=samples
        )
        ((_, completion),) = engine.complete([request])
        return completion, server
