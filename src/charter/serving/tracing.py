"""A trace of each request that is answered, where traces are switched on."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from charter.registry.traces import Exchange, Traces
from charter.serving.answering import BusyError, Piece
from charter.serving.prompts import worded
from charter.serving.requests import ChatRequest


async def traced(
    pieces: AsyncGenerator[Piece], asked: ChatRequest, model: str, traces: Traces
) -> AsyncGenerator[Piece]:
    """Yield the pieces of a reply, and write its trace when it ends; ``model`` is its name.

    Who is turned away leaves none: where there is no room for requests, there is none for their traces.
    """
    began, text = time.time_ns(), ""
    last: Piece | None = None

    def write(problem: str | None) -> None:
        passages = (last and last.citations) or []
        exchange = Exchange(
            name="chat completion",
            model=model,
            version=last.fingerprint if last else "none",
            began=began,
            chat=worded(asked.messages, passages),
            answer=text,
            passages=passages,
            tokens=(last.prompt_tokens, last.tokens) if last else None,
            problem=problem,
        )
        traces.add(exchange)

    try:
        async with aclosing(pieces):
            async for last in pieces:
                text += last.text
                yield last
    except BusyError:
        raise
    except BaseException as error:
        # Of these, GeneratorExit and CancelledError say that the client has left.
        write(repr(error))
        raise
    write(None)
