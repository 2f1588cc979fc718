"""The endpoint as OpenAI's own client and rougher ones meet it."""

import asyncio
import json
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI

from charter.serving.app import BODY_LIMIT
from served_models import MODEL, Running, Serve

pytest_plugins = ["mlflow_store", "served_models"]
pytestmark = pytest.mark.models

ASKED: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "May I take gifts?"}]}
KEYS = ("right", "other", "schlüssel")


@pytest.fixture(scope="module")
def strict(serve: Serve) -> Iterator[Running]:
    """A server that wants a key; it decodes one request at once, and one may wait."""
    with serve(keys=KEYS, concurrency=1, waiting=1) as running:
        yield running


@pytest.fixture
def client(server: Running) -> Iterator[OpenAI]:
    with client_of(server) as client:
        yield client


def client_of(running: Running, key: str = "none") -> OpenAI:
    return OpenAI(base_url=f"{running.url}/v1", api_key=key, max_retries=0)


def post(running: Running, body: Any) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {KEYS[0]}"}
    return httpx.post(f"{running.url}/v1/chat/completions", content=content, headers=headers, timeout=60)


@contextmanager
def posted(running: Running, body: dict[str, Any], sent: int | None = None) -> Iterator[socket.socket]:
    """Post so many bytes of a body, by default all, and read nothing; the end closes the connection."""
    content = json.dumps(body).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEYS[0]}\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", int(running.url.rpartition(":")[2])), 60) as connection:
        connection.sendall(head.encode() + content[:sent])
        yield connection


def metric(running: Running, name: str) -> float:
    for line in httpx.get(f"{running.url}/metrics", timeout=60).text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.split()[-1])
    return 0.0


def wait_for(what: Callable[[], object]) -> None:
    """Wait until something is so; that a minute or two pass means that it never will be."""
    end = time.monotonic() + 120
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_stream_says_what_a_whole_reply_says(client: OpenAI) -> None:
    whole = client.chat.completions.create(**ASKED)
    usage = {"include_usage": True}
    *told, last = client.chat.completions.create(**ASKED, stream=True, stream_options=usage)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in told) == whole.choices[0].message.content
    assert len(told) > 2
    assert told[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in told] == [None] * (len(told) - 1) + ["length"]
    assert whole.choices[0].finish_reason == "length"
    assert last.choices == []
    assert last.usage == whole.usage
    assert whole.usage is not None
    assert whole.usage.completion_tokens == 10
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + 10
    assert whole.system_fingerprint is not None
    assert whole.system_fingerprint.startswith("version-1-")


def test_limits_and_stops_end_a_reply(client: OpenAI) -> None:
    whole = client.chat.completions.create(**ASKED).choices[0].message.content or ""
    short = client.chat.completions.create(**ASKED, max_completion_tokens=3)
    assert short.usage is not None
    assert (short.usage.completion_tokens, short.choices[0].finish_reason) == (3, "length")
    stop = whole[len(whole) // 2 :][:4]
    stopped = client.chat.completions.create(**ASKED, stop=stop)
    assert stopped.choices[0].finish_reason == "stop"
    assert stopped.choices[0].message.content == whole[: whole.index(stop)].strip()
    streamed = client.chat.completions.create(**ASKED, stop=[stop], stream=True)
    pieces = [chunk.choices[0].delta.content or "" for chunk in streamed]
    assert "".join(pieces) == stopped.choices[0].message.content


def test_a_seed_makes_sampling_repeatable(client: OpenAI) -> None:
    def sample(seed: int | None) -> str | None:
        reply = client.chat.completions.create(**ASKED, temperature=1.5, top_p=0.95, seed=seed)
        return reply.choices[0].message.content

    assert sample(7) == sample(7) != sample(8)
    assert sample(None) != sample(None)


@pytest.mark.parametrize("temperature", [0.0, 1e-40, 1e-300])
def test_the_coldest_takes_the_likeliest(server: Running, client: OpenAI, temperature: float) -> None:
    cold = client.chat.completions.create(**ASKED, temperature=temperature)
    assert cold.choices == client.chat.completions.create(**ASKED).choices
    assert httpx.get(f"{server.url}/health", timeout=60).is_success


def test_sixteen_at_once_are_answered_as_each_alone(server: Running) -> None:
    def ask(number: int) -> str | None:
        turn = {"role": "user", "content": f"May I take {number % 4} gifts?"}
        with client_of(server) as own:
            stream = own.chat.completions.create(model=MODEL, messages=[turn], stream=True)
            return "".join(chunk.choices[0].delta.content or "" for chunk in stream)

    alone = [ask(number) for number in range(4)]
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(ask, range(16))) == alone * 4
    assert metric(server, "charter_requests_running") == 0


def test_the_model_health_and_metrics_are_told(server: Running, client: OpenAI) -> None:
    [entry] = client.models.list().data
    assert entry.id == MODEL
    assert client.models.retrieve(MODEL) == entry
    before = metric(server, 'charter_tokens_total{kind="completion"}')
    client.chat.completions.create(**ASKED, max_tokens=2)
    assert metric(server, 'charter_tokens_total{kind="completion"}') == before + 2
    assert metric(server, 'charter_requests_total{status="200"}') > 0
    assert metric(server, "charter_request_seconds_count") > 0
    assert metric(server, "charter_first_text_seconds_count") > 0
    assert metric(server, "charter_model_version") == 1
    assert httpx.get(f"{server.url}/health").json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"{", 400, "JSON"),
        (b"", 400, "JSON"),
        (b"\xff" + json.dumps(ASKED).encode(), 400, "JSON"),
        (b"[" * 100_000, 400, "JSON"),
        (json.dumps(ASKED).replace("gifts", "\\ud800").encode(), 400, "JSON"),
        ([], 400, "body"),
        ({"model": MODEL}, 400, "messages"),
        (ASKED | {"messages": []}, 400, "messages"),
        (ASKED | {"messages": [{"role": "user", "content": 3}]}, 400, "content"),
        (ASKED | {"messages": [{"role": "tool", "content": "x"}]}, 400, "role"),
        (
            ASKED | {"messages": [*ASKED["messages"], {"role": "assistant", "content": "x"}]},
            400,
            "the user's",
        ),
        (ASKED | {"max_tokens": 0}, 400, "max_tokens"),
        (ASKED | {"temperature": -1}, 400, "temperature"),
        (ASKED | {"temperature": float("nan")}, 400, "temperature"),
        (ASKED | {"temperature": 1, "top_p": float("nan")}, 400, "top_p"),
        (ASKED | {"max_tokens": 10**30}, 400, "together"),
        (ASKED | {"n": 2}, 400, "n:"),
        (ASKED | {"tools": [{"type": "function"}]}, 400, "tools"),
        (ASKED | {"response_format": {"type": "json_object"}}, 400, "response_format"),
        (ASKED | {"model": "another"}, 404, MODEL),
        (ASKED | {"max_tokens": 10**6}, 400, "together"),
        (ASKED | {"messages": [{"role": "user", "content": "gifts " * 5000}]}, 400, "tokens"),
        (b" " * (BODY_LIMIT + 1), 413, "bytes"),
        (b" " * 10_000_000, 413, "bytes"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_wrong_with_a_request_is_said(server: Running, body: Any, status: int, says: str) -> None:
    answer = post(server, body)
    error = answer.json()["error"]
    assert answer.status_code == status
    assert says in error["message"]
    assert error["type"] == "invalid_request_error"
    assert httpx.get(f"{server.url}/health").is_success


def test_a_large_body_of_unknown_length_is_refused_too(server: Running) -> None:
    parts = (b" " * 2**16 for _ in range(160))
    assert httpx.post(f"{server.url}/v1/chat/completions", content=parts, timeout=60).status_code == 413


def test_five_hundred_at_once_are_answered_or_told_to_come_again(server: Running) -> None:
    async def ask_all() -> list[int]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(limits=limits, timeout=300) as client:
            body = ASKED | {"max_tokens": 1}
            asked = (client.post(f"{server.url}/v1/chat/completions", json=body) for _ in range(500))
            return [answer.status_code for answer in await asyncio.gather(*asked)]

    found = Counter(asyncio.run(ask_all()))
    assert found[200] + found[429] == 500
    # As many as are decoded at once and may wait.
    assert found[200] >= 72
    assert post(server, ASKED).is_success
    assert metric(server, "charter_requests_waiting") == metric(server, "charter_requests_running") == 0


def test_the_client_knows_the_errors(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="no model"):
        client.chat.completions.create(**ASKED | {"model": "another"})
    with pytest.raises(openai.BadRequestError, match="together"):
        client.chat.completions.create(**ASKED, max_tokens=10**6, stream=True)
    for name in ("another", "an/other"):
        with pytest.raises(openai.NotFoundError, match=f"no model '{name}'") as raised:
            client.models.retrieve(name)
        assert raised.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model=MODEL, input="x")


def test_fields_that_change_nothing_are_passed_over(client: OpenAI) -> None:
    plain = client.chat.completions.create(**ASKED)
    parts = [{"role": "user", "content": [{"type": "text", "text": "May I take gifts?"}]}]
    asked = ASKED | {"messages": parts, "user": "me", "n": 1, "presence_penalty": 0.0, "tools": []}
    assert client.chat.completions.create(**asked, extra_body={"unknown": 1}).choices == plain.choices


def test_more_than_may_wait_are_told_to_come_again(strict: Running) -> None:
    with client_of(strict, KEYS[0]) as client, ThreadPoolExecutor(1) as pool:
        # Nothing is read of the first beyond its beginning; it is decoded until it is closed.
        with client.chat.completions.create(**ASKED, max_tokens=2000, stream=True):
            waits = pool.submit(post, strict, ASKED)
            wait_for(lambda: metric(strict, "charter_requests_waiting") == 1)
            refused = [post(strict, ASKED) for _ in range(2)]
        assert [answer.status_code for answer in refused] == [429, 429]
        assert all(answer.headers["retry-after"] == "1" for answer in refused)
        assert waits.result().is_success
    assert post(strict, ASKED).is_success
    assert metric(strict, 'charter_requests_total{status="429"}') == 2


def test_a_request_that_takes_too_long_is_ended(serve: Serve) -> None:
    with serve(timeout=1) as running:
        assert post(running, ASKED | {"max_tokens": 2000}).status_code == 504
        with client_of(running) as client, pytest.raises(openai.APIError, match="within"):
            list(client.chat.completions.create(**ASKED, max_tokens=2000, stream=True))
        with posted(running, ASKED, sent=10) as slow:
            assert slow.recv(12) == b"HTTP/1.1 408"
        # A busy machine may take more than a second for a token.
        wait_for(lambda: post(running, ASKED | {"max_tokens": 1}).is_success)
        assert metric(running, "charter_requests_running") == 0


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_stops_its_request(server: Running, stream: bool) -> None:
    written = metric(server, 'charter_tokens_total{kind="completion"}')
    with posted(server, ASKED | {"max_tokens": 2000, "stream": stream}):
        wait_for(lambda: metric(server, "charter_requests_running"))
    wait_for(lambda: not metric(server, "charter_requests_running"))
    assert metric(server, 'charter_tokens_total{kind="completion"}') == written


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_while_it_waits_frees_its_place_at_once(strict: Running, stream: bool) -> None:
    with (
        client_of(strict, KEYS[0]) as client,
        client.chat.completions.create(**ASKED, max_tokens=2000, stream=True),
    ):
        with posted(strict, ASKED | {"stream": stream}):
            wait_for(lambda: metric(strict, "charter_requests_waiting") == 1)
        wait_for(lambda: metric(strict, "charter_requests_waiting") == 0)
        assert metric(strict, "charter_requests_running") == 1
    assert post(strict, ASKED).is_success


def test_keys_open_v1_alone(strict: Running) -> None:
    for key in KEYS[:2]:
        assert client_of(strict, key).models.list().data
    for sent, status in (
        ("Bearer schlüssel", 200),
        ("bearer right", 200),
        ("Bearer  right", 200),
        ("right", 401),
        ("Basic right", 401),
        ("Bearer", 401),
        ("Bearer right other", 401),
    ):
        headers = {"Authorization": sent.encode()}
        assert httpx.get(f"{strict.url}/v1/models", headers=headers).status_code == status, sent
    for key in ("wrong", KEYS[0][:-1]):
        with pytest.raises(openai.AuthenticationError, match="key"):
            client_of(strict, key).chat.completions.create(**ASKED)
    answer = httpx.post(f"{strict.url}/v1/chat/completions", json=ASKED)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
    assert httpx.get(f"{strict.url}/health").is_success


def test_passages_are_cited_whole_and_streamed(rag_server: Running) -> None:
    turn = {"role": "user", "content": "Do gifts need consent?"}
    with client_of(rag_server) as client:
        whole = client.chat.completions.create(model=MODEL, messages=[turn])
        chunks = list(client.chat.completions.create(model=MODEL, messages=[turn], stream=True))
    cited = [
        {
            "document": "rules.pdf",
            "section": ["Rules", "Gifts"],
            "pages": [3, 4],
            "text": "Gifts above 50 euros need consent.",
        }
    ]
    assert (whole.choices[0].message.model_extra or {})["citations"] == cited
    told = [(chunk.choices[0].delta.model_extra or {}).get("citations") for chunk in chunks]
    assert told == [None] * (len(chunks) - 1) + [cited]
