"""What an OpenAI-compatible server can do, found out by a handful of requests before anything is asked."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, Literal

import openai
from pydantic import BaseModel, ConfigDict

from charter.generation.chat_answer import ChatAnswer
from charter.generation.server import ModelServer, NoCompletionError
from charter.project.errors import CharterError

Limit = Literal["max_tokens", "max_completion_tokens"]

_WORDS = ("Yes", "No")
_QUESTION = {"role": "user", "content": "Is snow white? Reply with one word, Yes or No."}
_PASSWORD = "bluebird"  # noqa: S105
_ORDER = {"role": "system", "content": f"Reply to every message with the one word {_PASSWORD}."}
_TOKENS = 64

_PASSING = (401, 403, 408, 409, 429, 502, 503, 504)
"""Statuses that say nothing of a feature: a missing key, a full queue. A 500 does: some servers fail so."""

_RETRIES = 4
"""For the requests with a feature, since the server has just answered one without."""


class Capabilities(BaseModel):
    """What a server does with a request; as they are by default, vLLM and its like."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    logprobs: bool = True
    seed: bool = True
    token_limit: Limit = "max_tokens"  # noqa: S105
    temperature: bool = True
    system_role: bool = True
    json_schema: bool = False
    thinks: bool = False

    @property
    def verdicts_by_logprobs(self) -> bool:
        """Whether the first token of a reply is the verdict; of a model that thinks it is a thought."""
        return self.logprobs and not self.thinks

    def __str__(self) -> str:
        """Say all of it in a line."""
        names = {"logprobs": "log-probs", "system_role": "system role", "json_schema": "JSON schema"}
        found = {names.get(name, name): value for name, value in self if isinstance(value, bool)}
        thinks = found.pop("thinks")
        parts = [f"{name} {'yes' if value else 'no'}" for name, value in found.items()]
        return ", ".join([*parts, f"limit {self.token_limit}", "thinks" if thinks else "doesn't think"])


def choice_schema(choices: Sequence[str]) -> dict[str, Any]:
    """Return the ``response_format`` of a reply that is one of the choices."""
    schema = {
        "type": "object",
        "properties": {"answer": {"type": "string", "enum": list(choices)}},
        "required": ["answer"],
        "additionalProperties": False,
    }
    return {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": schema}}


def probe(server: ModelServer, thinking_tokens: int) -> Capabilities:
    """Find out what a server can do: a plain request, which must succeed, and then one a feature.

    What is accepted and has no effect counts as not given; so do log-probs of a first token that isn't the
    word asked for. ``thinking_tokens`` are granted to a model that is seen to think.

    Raises:
        CharterError: It doesn't answer the plain request, or not within so many tokens.
    """
    return asyncio.run(_probe(server, thinking_tokens))


async def _probe(server: ModelServer, thinking_tokens: int) -> Capabilities:
    async with server.client() as client:
        asked = _Probe(server, client, thinking_tokens)
        first = await asked.find_limit()
        thinks = await asked.find_thinking(first)
        temperature = await asked.takes(temperature=0) is not None
        asked.accepted |= {"temperature": 0} if temperature else {}
        seed = await asked.takes(seed=1) is not None
        scored = await asked.takes(logprobs=True, top_logprobs=5)
        obeyed = await asked.takes(messages=[_ORDER, _QUESTION])
        formed = await asked.takes(response_format=choice_schema(_WORDS))
    return Capabilities(
        logprobs=scored is not None and _is_verdict(scored),
        seed=seed,
        token_limit=asked.limit,
        temperature=temperature,
        system_role=obeyed is not None and _PASSWORD in obeyed.text.casefold(),
        json_schema=formed is not None and _is_choice(formed.text),
        thinks=thinks or any(answer and answer.thought for answer in (scored, obeyed, formed)),
    )


class _Probe:
    """The requests of a probe; each has what was ``accepted`` so far."""

    def __init__(self, server: ModelServer, client: openai.AsyncOpenAI, thinking_tokens: int):
        self._server, self._client = server, client
        self._thinking_tokens = thinking_tokens
        self.accepted: dict[str, Any] = {"messages": [_QUESTION]}
        self.limit: Limit = "max_tokens"

    async def find_limit(self) -> ChatAnswer:
        """Return the first answer, and remember under which name its tokens were limited."""
        refusals = []
        # Some servers refuse what leaves no room for an answer behind the thoughts.
        tries: tuple[tuple[Limit, int], ...] = (
            ("max_tokens", _TOKENS),
            ("max_completion_tokens", _TOKENS),
            ("max_completion_tokens", _TOKENS + self._thinking_tokens),
        )
        for limit, tokens in tries:
            answer = await self._ask(**{limit: tokens})
            if isinstance(answer, ChatAnswer):
                self.limit, self.accepted[limit] = limit, tokens
                return answer
            refusals.append(answer)
        raise refusals[0]

    async def find_thinking(self, first: ChatAnswer) -> bool:
        """Say whether the model thinks; if so, it has the tokens for that from now on."""
        answer, thinks = first, first.thought or (first.cut_off and not first.text)
        if thinks or first.cut_off:
            # A prompt may have opened the thoughts: then they are known when they are closed.
            longer = await self._ask(**{self.limit: _TOKENS + self._thinking_tokens})
            if isinstance(longer, ChatAnswer):
                answer, thinks = longer, thinks or longer.thought
            elif thinks:
                raise CharterError(
                    f"{self._server.params.thinking_tokens}: {self._server.url} doesn't take "
                    f"{self._thinking_tokens} more than an answer needs; lower it, or give the server a "
                    f"longer context. {longer}"
                )
        if not answer.text:
            raise self._no_answer(answer, thinks)
        if thinks:
            self.accepted[self.limit] = _TOKENS + self._thinking_tokens
        return thinks

    async def takes(self, **feature: Any) -> ChatAnswer | None:
        """Return the answer to a request with a feature; None where that isn't accepted."""
        answer = await self._ask(retries=_RETRIES, **feature)
        return answer if isinstance(answer, ChatAnswer) else None

    async def _ask(self, retries: int | None = None, **feature: Any) -> ChatAnswer | CharterError:
        """Return the answer, or the error that says why this request isn't answered and others may be."""
        client = self._client if retries is None else self._client.with_options(max_retries=retries)
        try:
            return await self._server.chat(client, self.accepted | feature)
        except NoCompletionError as error:
            return error
        except openai.APIError as error:
            explained = self._server.explain(error)
            if isinstance(error, openai.APIStatusError) and error.status_code not in _PASSING:
                return explained
            raise explained from error

    def _no_answer(self, answer: ChatAnswer, thinks: bool) -> CharterError:
        model = self._server.model
        if thinks and answer.cut_off:
            return CharterError(
                f"{self._server.params.thinking_tokens}: {model!r} thought for {self._thinking_tokens} "
                "tokens about a plain question, and gave no answer; raise it, or serve the model without "
                "thinking"
            )
        return CharterError(
            f"{self._server.params.served}: {model!r} answers a plain question with no text "
            f"({answer.problem(thinks=thinks)}); see that the server has the model's chat template"
        )


def _is_verdict(answer: ChatAnswer) -> bool:
    # One alternative says nothing of the other word.
    words = {token.strip().casefold() for token, _ in answer.alternatives}
    return len(answer.alternatives) > 1 and any(word.casefold() in words for word in _WORDS)


def _is_choice(text: str) -> bool:
    try:
        reply = json.loads(text)
    except ValueError:
        return False
    return isinstance(reply, dict) and reply.get("answer") in _WORDS
