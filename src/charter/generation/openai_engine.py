"""The engine for any OpenAI-compatible server: vLLM, a gateway, a vendor."""

import asyncio
import math
import re
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from typing import Any

import openai

from charter.generation.capabilities import Capabilities, choice_schema
from charter.generation.engine import CUT_OFF, Admission, Completion, Message, Request, admit_all
from charter.generation.server import ModelServer
from charter.generation.verdict import read_choice
from charter.project.errors import CharterError

_VERDICT_TOKENS = 256
"""For a verdict in words, which some models give at the end of a reason."""

_REFUSALS = {
    "stopped by a content filter": r"content_filter|content_policy|ResponsibleAI",
    "too long for the teacher": r"context[ _](?:length|size|window)|(?:prompt|input) is too long",
}
"""What a request is refused for that others aren't, and how servers say it."""


class OpenAIEngine:
    """Chat completions over HTTP, ``concurrency`` at once."""

    def __init__(
        self,
        server: ModelServer,
        *,
        concurrency: int,
        capabilities: Capabilities | None = None,
        thinking_tokens: int = 0,
        verdict_samples: int = 1,
    ):
        """``server`` is asked when requests are completed, by its ``capabilities``.

        A model that thinks gets ``thinking_tokens`` more. Without log-probs it is asked ``verdict_samples``
        times for a verdict, one after the other.
        """
        self._server = server
        self._concurrency = concurrency
        self._capabilities = capabilities or Capabilities()
        self._thinking_tokens = thinking_tokens if self._capabilities.thinks else 0
        self._verdict_samples = verdict_samples

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
        if not request.choices:
            return await self._send(client, request)
        if self._capabilities.verdicts_by_logprobs:
            return await self._send(client, request, logprobs=True, top_logprobs=request.alternatives)
        return await self._choose(client, request)

    async def _choose(self, client: openai.AsyncOpenAI, request: Request) -> Completion:
        """Ask for a verdict in words, greedily or several times; the words' shares stand for log-probs."""
        by_schema = self._capabilities.json_schema
        options = {"response_format": choice_schema(request.choices)} if by_schema else {}
        count = self._verdict_samples
        temperature = 0.0 if count == 1 else 1.0
        samples = []
        for seed in range(count):
            decoding = {"max_new_tokens": _VERDICT_TOKENS, "temperature": temperature, "seed": seed}
            asked = request.model_copy(update={"choices": (), **decoding})
            samples.append(await self._send(client, asked, **options))
        read = [read_choice(found.text, request.choices) for found in samples if not found.problem]
        chosen = Counter(word for word in read if word).most_common()
        reads = [found.prompt_tokens for found in samples]
        return Completion(
            text=chosen[0][0] if chosen else samples[0].text,
            tokens=sum(found.tokens for found in samples),
            alternatives=tuple((word, math.log(times / count)) for word, times in chosen),
            prompt_tokens=None if None in reads else sum(filter(None, reads)),
            problem=None if chosen else next((found.problem for found in samples if found.problem), None),
        )

    async def _send(self, client: openai.AsyncOpenAI, request: Request, **options: Any) -> Completion:
        found = self._capabilities
        body: dict[str, Any] = {
            "messages": [message.model_dump() for message in self._turns(request)],
            found.token_limit: request.max_new_tokens + self._thinking_tokens,
        } | options
        body |= {"temperature": request.temperature} if found.temperature else {}
        body |= {"seed": request.seed} if found.seed else {}
        try:
            answer = await self._server.chat(client, body)
        except openai.APIError as error:
            if isinstance(error, openai.BadRequestError | openai.UnprocessableEntityError):
                for problem, signs in _REFUSALS.items():
                    if re.search(signs, error.response.text, re.IGNORECASE):
                        return Completion(text="", tokens=0, prompt_tokens=0, problem=problem)
            raise self._server.explain(error) from error
        reason = answer.problem(thinks=found.thinks)
        if request.choices:
            # Of a verdict one token was asked for. Nothing generated leaves nothing to choose from: that is
            # unscored, not an error.
            reason = None if reason == CUT_OFF else reason
            if answer.first.logprobs is None and reason is None:
                raise self._no_logprobs()
        return Completion(
            text=answer.text,
            tokens=answer.tokens,
            alternatives=answer.alternatives if request.choices and reason is None else (),
            prompt_tokens=answer.prompt_tokens,
            problem=reason,
        )

    def _no_logprobs(self) -> CharterError:
        return CharterError(
            f"{self._server.params.base_url}: {self._server.url} was recorded as giving log-probs "
            "(top_logprobs) and gives none; start it as it was, or run "
            f"`dvc repro --force {self._server.params.stage}`, which records it anew"
        )

    def _turns(self, request: Request) -> Sequence[Message]:
        """Return the turns; where the server knows no system turn, its text begins the first user turn."""
        first, *others = request.messages
        if self._capabilities.system_role or first.role != "system" or not others:
            return request.messages
        return [Message(role="user", content=f"{first.content}\n\n{others[0].content}"), *others[1:]]
