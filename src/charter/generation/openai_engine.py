"""The engine for any OpenAI-compatible server: vLLM, a gateway, a vendor."""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import openai
from openai.types.chat.chat_completion_token_logprob import TopLogprob
from pydantic import AliasPath, BaseModel, Field, ValidationError

from charter.generation.engine import Admission, Completion, Request, admit_all
from charter.generation.server import ModelServer
from charter.project.errors import CharterError


class OpenAIEngine:
    """Chat completions over HTTP, ``concurrency`` at once."""

    def __init__(self, server: ModelServer, *, concurrency: int):
        """``server`` is asked when requests are completed."""
        self._server = server
        self._concurrency = concurrency

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
            client = self._server.client()
            try:
                while ended := runner.run(self._step(client, waiting, running, admit)):
                    for task in ended:
                        index = running.pop(task)
                        if (error := task.exception()) is None:
                            yield index, task.result()
                        else:
                            failure = failure or error
                            waiting.clear()
            finally:
                runner.run(client.close())
        if failure is not None:
            raise failure

    async def _step(
        self,
        client: openai.AsyncOpenAI,
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

    async def _ask(self, client: openai.AsyncOpenAI, request: Request) -> Completion:
        body: dict[str, Any] = {
            "model": self._server.model,
            "messages": [message.model_dump() for message in request.messages],
            "max_tokens": request.max_new_tokens,
            "temperature": request.temperature,
            "seed": request.seed,
        }
        if request.alternatives:
            body |= {"logprobs": True, "top_logprobs": request.alternatives}
        try:
            # The client takes anything that a server sends for a completion, so the bytes are parsed here.
            response = await client.chat.completions.with_raw_response.create(
                **body, extra_headers=self._server.headers
            )
            answer = _Answer.model_validate_json(response.content)
        except openai.APIError as error:
            if request.alternatives and "logprobs" in str(error.body):
                raise self._no_logprobs() from error
            raise self._server.explain(error) from error
        except ValidationError as error:
            raise CharterError(
                f"teacher.base_url: {self._server.url} answers, but not with a chat completion; is it the "
                f"address that ends in /v1? It sent: {self._server.excerpt(response.text)}"
            ) from error
        if request.alternatives and answer.logprobs is None:
            raise self._no_logprobs()
        # Nothing generated leaves nothing to choose from: such a verdict is unscored, not an error.
        first = answer.logprobs[:1] if request.alternatives and answer.logprobs else []
        return Completion(
            text=answer.message.content or "",
            tokens=answer.tokens,
            alternatives=tuple((item.token, item.logprob) for token in first for item in token.top_logprobs),
            prompt_tokens=answer.prompt_tokens,
        )

    def _no_logprobs(self) -> CharterError:
        return CharterError(
            f"teacher.base_url: {self._server.url} gives no log-probs (top_logprobs), and the checks of what "
            "the teacher writes read them; take a server that gives them, such as vLLM"
        )


class _Message(BaseModel):
    content: str | None = None


class _Token(BaseModel):
    top_logprobs: list[TopLogprob]


class _Answer(BaseModel):
    """What is read of a chat completion."""

    message: _Message = Field(validation_alias=AliasPath("choices", 0, "message"))
    logprobs: list[_Token] | None = Field(
        default=None, validation_alias=AliasPath("choices", 0, "logprobs", "content")
    )
    tokens: int = Field(default=0, validation_alias=AliasPath("usage", "completion_tokens"))
    prompt_tokens: int | None = Field(default=None, validation_alias=AliasPath("usage", "prompt_tokens"))
