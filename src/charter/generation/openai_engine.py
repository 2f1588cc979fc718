"""The engine for any OpenAI-compatible server: vLLM, a gateway, a vendor."""

import asyncio
import logging
import os
import random
import time
from collections import deque
from collections.abc import Iterator, Sequence
from email.utils import parsedate_to_datetime
from typing import Annotated, Any

import httpx
from pydantic import BaseModel, Field, ValidationError

from charter.generation.engine import Admission, Completion, Request, admit_all
from charter.project.errors import CharterError

_ATTEMPTS = 8
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0
_LONGEST_RETRY_AFTER_SECONDS = 600.0
_TIMEOUT = httpx.Timeout(600, connect=10)
"""Reading is slow where a server queues many requests, and a request given up is work done twice."""

_PASSING_ERRORS = (
    httpx.TimeoutException,
    httpx.NetworkError,
    httpx.RemoteProtocolError,
    httpx.ProxyError,
)
_log = logging.getLogger(__name__)


class OpenAIEngine:
    """Chat completions over HTTP, ``concurrency`` at once.

    A refusal that may pass (408, 429, 5xx, a timeout, a lost connection) is tried again, with exponential
    backoff and jitter, and not before the time that Retry-After gives. The key is read from OPENAI_API_KEY
    only, and taken out of whatever is reported.
    """

    def __init__(self, base_url: str, model: str, *, concurrency: int):
        """``base_url`` ends in /v1; ``model`` is the name the server offers it under.

        Raises:
            CharterError: ``base_url`` is no plain http address, or OPENAI_API_KEY can't be a key.
        """
        try:
            url = httpx.URL(base_url)
        except httpx.InvalidURL as error:
            raise CharterError(f"teacher.base_url: {base_url!r}: {error}") from error
        if url.userinfo:
            raise CharterError("teacher.base_url has a name or a key in it; the key goes in OPENAI_API_KEY")
        if url.scheme not in ("http", "https") or not url.host:
            raise CharterError(
                f"teacher.base_url: {base_url!r} is no address such as http://127.0.0.1:8000/v1"
            )
        self._key = os.environ.get("OPENAI_API_KEY", "").strip()
        if not self._key.isascii() or not self._key.isprintable():
            raise CharterError("OPENAI_API_KEY has characters that no key has")
        self._base_url = base_url
        self._model = model
        self._concurrency = concurrency
        self._reported = ""

    def complete(
        self, requests: Sequence[Request], admit: Admission = admit_all
    ) -> Iterator[tuple[int, Completion]]:
        """Ask for all of them, and yield each as it is answered.

        After a failure nothing new is asked, and what is under way is still yielded before it is raised.

        Raises:
            CharterError: The server refuses, doesn't answer, or answers something else.
        """
        waiting = deque(enumerate(requests))
        running: dict[asyncio.Task[Completion], int] = {}
        failure: BaseException | None = None
        with asyncio.Runner() as runner:
            client = httpx.AsyncClient(
                base_url=self._base_url,
                headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
                timeout=_TIMEOUT,
                limits=httpx.Limits(max_connections=self._concurrency),
            )
            try:
                while waiting or running:
                    for task in runner.run(self._step(client, waiting, running, admit)):
                        index = running.pop(task)
                        if (error := task.exception()) is None:
                            yield index, task.result()
                        else:
                            failure = failure or error
                            waiting.clear()
            finally:
                runner.run(client.aclose())
        if failure is not None:
            raise failure

    async def _step(
        self,
        client: httpx.AsyncClient,
        waiting: deque[tuple[int, Request]],
        running: dict[asyncio.Task[Completion], int],
        admit: Admission,
    ) -> set[asyncio.Task[Completion]]:
        """Fill the free places, and wait until at least one request has ended."""
        while waiting and len(running) < self._concurrency:
            if not admit():
                waiting.clear()
                break
            index, request = waiting.popleft()
            running[asyncio.create_task(self._ask(client, request))] = index
        if not running:
            return set()
        ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        return ended

    async def _ask(self, client: httpx.AsyncClient, request: Request) -> Completion:
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [message.model_dump() for message in request.messages],
            "max_tokens": request.max_new_tokens,
            "temperature": request.temperature,
            "seed": request.seed,
        }
        if request.alternatives:
            body |= {"logprobs": True, "top_logprobs": request.alternatives}
        response = await self._post(client, body)
        try:
            answer = _Answer.model_validate_json(response.content)
        except ValidationError as error:
            raise CharterError(
                f"teacher.base_url: {self._base_url} answers, but not with a chat completion; is it the "
                f"address that ends in /v1? It sent: {self._excerpt(response.text)}"
            ) from error
        choice = answer.choices[0]
        alternatives: tuple[tuple[str, float], ...] = ()
        if request.alternatives:
            if choice.logprobs is None or choice.logprobs.content is None:
                raise self._no_logprobs()
            # Nothing generated leaves nothing to choose from: such a verdict is unscored, not an error.
            first = choice.logprobs.content[:1]
            alternatives = tuple((item.token, item.logprob) for token in first for item in token.top_logprobs)
        return Completion(
            text=choice.message.content or "",
            tokens=answer.usage.completion_tokens if answer.usage else 0,
            alternatives=alternatives,
            prompt_tokens=answer.usage.prompt_tokens if answer.usage else None,
        )

    async def _post(self, client: httpx.AsyncClient, body: dict[str, Any]) -> httpx.Response:
        problem, told = "", 0.0
        for attempt in range(_ATTEMPTS):
            if attempt:
                # Half of it is random, so that requests refused together don't return together.
                longest = min(_FIRST_PAUSE_SECONDS * 2 ** (attempt - 1), _LONGEST_PAUSE_SECONDS)
                self._report(f"{problem}; trying again")
                await asyncio.sleep(told + random.uniform(longest / 2, longest))  # noqa: S311
            told = 0.0
            try:
                response = await client.post("chat/completions", json=body)
            except _PASSING_ERRORS as error:
                problem = self._excerpt(f"{type(error).__name__}: {error}")
                continue
            if response.is_success:
                return response
            problem = f"HTTP {response.status_code}: {self._excerpt(response.text)}"
            if response.status_code not in (408, 429) and response.status_code < 500:
                raise self._refusal(response.status_code, problem, body)
            told = _retry_after(response)
            if told > _LONGEST_RETRY_AFTER_SECONDS:
                problem += f" (it asks to wait {told:.0f} s)"
                break
        raise CharterError(
            f"teacher.base_url: {self._base_url} did not answer: {problem}. What it has answered is kept: "
            "see that the server runs, and run the same command again"
        )

    def _refusal(self, status: int, problem: str, body: dict[str, Any]) -> CharterError:
        if status in (401, 403):
            state = "it doesn't take the one that is set" if self._key else "none is set"
            return CharterError(
                f"teacher.base_url: {self._base_url} wants a key: set OPENAI_API_KEY in the environment "
                f"({state}). {problem}"
            )
        if "logprobs" in body and "logprobs" in problem:
            return self._no_logprobs(problem)
        return CharterError(
            f"base_models.teacher.served: {self._base_url} refuses a request to {self._model!r}: check that "
            f"it serves a model under that name, and that teacher.base_url ends in /v1. {problem}"
        )

    def _no_logprobs(self, problem: str = "") -> CharterError:
        return CharterError(
            f"teacher.base_url: {self._base_url} gives no log-probs (top_logprobs), and the checks of what "
            "the teacher writes read them; take a server that gives them, such as vLLM"
            + (f". {problem}" if problem else "")
        )

    def _report(self, problem: str) -> None:
        """Say once what is wrong, not once a request."""
        if problem != self._reported:
            self._reported = problem
            _log.warning("%s: %s", self._base_url, problem)

    def _excerpt(self, text: str) -> str:
        """Make one short line of what a server sent, without the key, which some repeat."""
        safe = text.replace(self._key, "[key]") if self._key else text
        return " ".join(safe.split())[:300]


class _Alternative(BaseModel):
    token: str
    logprob: float


class _Token(BaseModel):
    top_logprobs: list[_Alternative]


class _Logprobs(BaseModel):
    content: list[_Token] | None = None


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message
    logprobs: _Logprobs | None = None


class _Usage(BaseModel):
    completion_tokens: int
    prompt_tokens: int | None = None


class _Answer(BaseModel):
    """What is read of a chat completion."""

    choices: Annotated[list[_Choice], Field(min_length=1)]
    usage: _Usage | None = None


def _retry_after(response: httpx.Response) -> float:
    """Return the seconds that Retry-After asks for, given as such or as a date (RFC 9110, 10.2.3); or 0."""
    value = response.headers.get("retry-after", "")
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return 0.0
