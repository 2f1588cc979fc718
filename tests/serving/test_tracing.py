"""What is traced of a request that is answered, fails, is left or turned away."""

import asyncio
from collections.abc import AsyncGenerator
from typing import cast

import pytest

from charter.registry.traces import Exchange, Traces
from charter.serving.answering import BusyError, Piece
from charter.serving.requests import ChatRequest
from charter.serving.tracing import traced
from charter.training.chat import answer_messages
from rows import chunk_of

ASKED = ChatRequest.model_validate({"model": "m", "messages": [{"role": "user", "content": "Why?"}]})
PASSAGE = chunk_of("Gifts need consent.")


class Kept:
    """Keeps what is traced."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []

    def add(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)


def trace(error: Exception | None = None, read: int | None = None) -> tuple[str, list[Exchange]]:
    """Read so many pieces of a reply of two, which ends with an error if one is given."""
    kept = Kept()

    async def answer() -> AsyncGenerator[Piece]:
        if isinstance(error, BusyError):
            raise error
        yield Piece("Be", None, 20, 1, "version-3-abc", None)
        if error:
            raise error
        yield Piece("cause.", "stop", 20, 4, "version-3-abc", [PASSAGE])

    async def read_pieces() -> str:
        pieces = traced(answer(), ASKED, "charter-udhr", cast(Traces, kept))
        text = ""
        try:
            async for piece in pieces:
                text += piece.text
                if read == 1:
                    break
        finally:
            await pieces.aclose()
        return text

    if error:
        with pytest.raises(type(error)):
            asyncio.run(read_pieces())
        return "", kept.exchanges
    return asyncio.run(read_pieces()), kept.exchanges


def test_a_reply_is_passed_on_and_traced_whole() -> None:
    text, [exchange] = trace()
    assert (text, exchange.answer, exchange.problem) == ("Because.", "Because.", None)
    assert (exchange.model, exchange.version) == ("charter-udhr", "version-3-abc")
    assert exchange.tokens == (20, 4)
    assert exchange.passages == [PASSAGE]
    assert exchange.chat == answer_messages("Why?", [PASSAGE.text])


def test_a_reply_that_fails_or_is_left_is_traced_as_far_as_it_came() -> None:
    _, [exchange] = trace(TimeoutError("too late"))
    assert (exchange.answer, exchange.problem) == ("Be", "TimeoutError('too late')")
    _, [exchange] = trace(read=1)
    assert (exchange.answer, exchange.problem) == ("Be", "GeneratorExit()")


def test_who_is_turned_away_leaves_no_trace() -> None:
    assert trace(BusyError())[1] == []
