"""From a request to the pieces of its reply: waiting in turn, retrieval, decoding, stopping."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from charter.project.records import Chunk
from charter.serving.prompts import tokens_of, worded
from charter.serving.requests import ChatRequest
from charter.serving.served import ServedModel

Find = Callable[[str], list[Chunk]]


class BusyError(Exception):
    """As many requests wait as may."""


class TooLongError(Exception):
    """A prompt leaves no room for its reply."""


@dataclass(frozen=True)
class Limits:
    """How many requests are decoded at once and may wait, and how many seconds and new tokens one may take.

    A request may ask for more tokens than ``new_tokens``.
    """

    concurrency: int
    waiting: int
    timeout: float
    new_tokens: int


@dataclass(frozen=True)
class Piece:
    """More text of a reply; the last piece has why it ended ("stop" or "length")."""

    text: str
    finish: str | None
    prompt_tokens: int
    tokens: int
    fingerprint: str
    citations: list[Chunk] | None


class ReplyText:
    """The text of a reply as far as it is sure: without what may yet become another letter or a stop."""

    def __init__(self, tokenizer: Any, stops: tuple[str, ...]):
        self._tokenizer = tokenizer
        self._stops = stops
        self._sent = ""
        self.stopped = False

    def more(self, tokens: list[int], done: bool) -> str:
        """Return what is new in the text of ``tokens``, all of the reply; trimmed as evaluation trims it."""
        whole: str = self._tokenizer.decode(tokens, skip_special_tokens=True)
        places = [place for stop in self._stops if (place := whole.find(stop)) >= 0]
        if places:
            self.stopped = True
            whole = whole[: min(places)]
        elif not done:
            held = max((len(stop) for stop in self._stops), default=1) - 1
            whole = whole[: max(0, len(whole) - held)].rstrip("\N{REPLACEMENT CHARACTER}")
        text = whole.strip()
        piece = text[len(self._sent) :]
        self._sent += piece
        return piece


class Answering:
    """Answers requests with what is served now; the first to come are decoded first."""

    def __init__(self, served: ServedModel, find: Find | None, limits: Limits):
        """``find`` finds passages for a question; None is without retrieval."""
        self.served = served
        self.metrics = served.metrics
        self.limits = limits
        self._find = find
        self._places = asyncio.Semaphore(limits.concurrency)
        self._waiting = 0

    async def answer(self, asked: ChatRequest) -> AsyncGenerator[Piece]:
        """Yield a reply piece by piece.

        Raises:
            BusyError: Too many wait.
            TooLongError: The prompt is too long.
            PromptError: The model's chat template refuses the chat.
            GenerationError: The model failed.
            TimeoutError: It took too long.
        """
        deadline = asyncio.get_running_loop().time() + self.limits.timeout
        async with self._place(deadline):
            shown = await asyncio.to_thread(self._find, asked.messages[-1].text) if self._find else None
            chat = worded(asked.messages, shown or [])
            prompt = await asyncio.to_thread(tokens_of, chat, self.served.model.tokenizer)
            # From here to the first token nothing is awaited: the model can't be replaced in between.
            model, fingerprint = self.served.model, self.served.fingerprint
            room = model.context - len(prompt)
            if room < (asked.new_tokens or 1):
                raise TooLongError(
                    f"the prompt has {len(prompt)} tokens and the reply {asked.new_tokens or 'at least 1'}; "
                    f"together they may have {model.context}"
                )
            new_tokens = asked.new_tokens or min(self.limits.new_tokens, room)
            text = ReplyText(model.tokenizer, asked.stops)
            # Closed before the place is given on: a reply that was stopped is in the batch until then.
            async with aclosing(model.decode(prompt, new_tokens, asked.drawing(), deadline)) as decoded:
                async for tokens, done in decoded:
                    piece = text.more(tokens, done)
                    ended = done or text.stopped
                    finish = None
                    if ended:
                        whole = text.stopped or tokens[-1] in model.ends
                        finish = "stop" if whole else "length"
                        self.metrics.count_tokens(len(prompt), len(tokens))
                    if piece or ended:
                        citations = shown if ended else None
                        yield Piece(piece, finish, len(prompt), len(tokens), fingerprint, citations)
                    if ended:
                        return

    @asynccontextmanager
    async def _place(self, deadline: float) -> AsyncIterator[None]:
        if self._places.locked() and self._waiting >= self.limits.waiting:
            raise BusyError
        self._waiting += 1
        self.metrics.waiting.set(self._waiting)
        try:
            async with asyncio.timeout_at(deadline):
                await self._places.acquire()
        finally:
            self._waiting -= 1
            self.metrics.waiting.set(self._waiting)
        self.metrics.running.inc()
        try:
            yield
        finally:
            self.metrics.running.dec()
            self._places.release()
