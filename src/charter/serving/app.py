"""The endpoint: routes, keys, limits, and what becomes of errors."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Collection
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

import uvicorn
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from charter.project.errors import CharterError
from charter.registry.traces import Traces
from charter.serving.answering import Answering, BusyError, Piece, TooLongError
from charter.serving.batching import GenerationError
from charter.serving.prompts import PromptError
from charter.serving.replies import ApiError, Reply, event
from charter.serving.requests import ChatRequest
from charter.serving.running import Address, http_server, is_opened
from charter.serving.tracing import traced

BODY_LIMIT = 2**20
"""Bytes of a request's body."""

_DISCARDED = 2**26
"""Bytes of a body over the limit that are read and dropped, so that its sender hears why it is refused."""

_LEFT = 499
"""What is counted where the client has closed the connection, as nginx does; nobody is there to be told."""


_Result = TypeVar("_Result")


class Endpoint:
    """Serves one model's chat completions; ``keys`` are those that open /v1, none for an open one.

    ``failure`` is why the server had to end by itself, None where it didn't.
    """

    def __init__(
        self,
        answering: Answering,
        keys: Collection[str],
        traces: Traces | None = None,
        follow_seconds: float = 2.0,
    ):
        """``follow_seconds`` is how often the registry is asked where the alias points."""
        self._answering = answering
        self._served = answering.served
        self._metrics = answering.metrics
        self._keys = keys
        self._traces = traces
        self._follow_seconds = follow_seconds
        self.failure: CharterError | None = None

    def server(self, address: Address) -> uvicorn.Server:
        """Return the server; it ends by itself where the model is lost for good."""
        self._server = http_server(self._app(), address, self._answering.limits.timeout)
        return self._server

    def _app(self) -> FastAPI:
        # It has none of FastAPI's pages, which load scripts from elsewhere.
        app = FastAPI(openapi_url=None, lifespan=self._lifespan)
        guarded = APIRouter(prefix="/v1", dependencies=[Depends(self._check_key)])
        guarded.add_api_route("/models", self.models)
        guarded.add_api_route("/models/{name:path}", self.model)
        guarded.add_api_route("/chat/completions", self.chat, methods=["POST"], response_model=None)
        app.include_router(guarded)
        app.add_api_route("/health", self.health, response_model=None)
        app.add_api_route("/metrics", self.show_metrics, response_model=None)
        app.add_exception_handler(ApiError, self._refuse)
        app.add_exception_handler(HTTPException, self._refuse)
        app.add_exception_handler(Exception, self._refuse)
        return app

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """Follow the alias while the server runs; uvicorn ends this when the last request has ended."""
        ended = asyncio.Event()
        following = asyncio.create_task(self._follow(ended))
        yield
        ended.set()
        await following
        await asyncio.to_thread(self._served.model.stop)
        if self._traces:
            # A signal that ends the process leaves it no time for that.
            await asyncio.to_thread(self._traces.flush)

    async def _follow(self, ended: asyncio.Event) -> None:
        try:
            await self._served.follow(self._follow_seconds, ended)
        except CharterError as error:
            self.failure = error
            self._server.should_exit = True

    def _check_key(self, request: Request) -> None:
        if not is_opened(request.headers.get("authorization", ""), self._keys):
            raise ApiError(401, "wrong key, or none: send Authorization: Bearer KEY", "invalid_api_key")

    async def models(self) -> dict[str, Any]:
        """List the one model."""
        return {"object": "list", "data": [await self.model(self._served.name)]}

    async def model(self, name: str) -> dict[str, Any]:
        """Describe the model that is served, by its name."""
        self._check_model(name)
        version = self._served.version
        return {
            "id": self._served.name,
            "object": "model",
            "created": 0,
            "owned_by": "charter",
            "root": f"models:/{version.model}/{version.number}",
            "max_model_len": self._served.model.context,
        }

    def _check_model(self, name: str) -> None:
        if name != self._served.name:
            message = f"no model {name!r} here; there is {self._served.name}"
            raise ApiError(404, message, "model_not_found", "model")

    async def health(self) -> JSONResponse:
        """Say whether the model still decodes."""
        alive = self._served.model.alive
        return JSONResponse({"status": "ok" if alive else "the model has stopped"}, 200 if alive else 503)

    async def show_metrics(self) -> Response:
        """Tell Prometheus."""
        return Response(self._metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def chat(self, request: Request) -> Response:
        """Answer a chat, whole or as a stream of events."""
        arrived = time.monotonic()
        asked = await self._read(request)
        pieces = self._pieces(asked, arrived)
        if asked.stream:
            # What is wrong with a stream before its first text has a status of its own.
            first = await _unless_left(request, anext(pieces))
            self._metrics.requests.labels("200").inc()
            return StreamingResponse(self._events(asked, first, pieces), media_type="text/event-stream")
        text, last = await _unless_left(request, _whole(pieces))
        self._metrics.requests.labels("200").inc()
        return JSONResponse(Reply(self._served.name).whole(text, last))

    async def _read(self, request: Request) -> ChatRequest:
        body, size = bytearray(), 0
        try:
            async with asyncio.timeout(self._answering.limits.timeout):
                async for part in request.stream():
                    size += len(part)
                    if size <= BODY_LIMIT:
                        body += part
                    elif size > _DISCARDED:
                        break
        except ClientDisconnect as error:
            raise ApiError(_LEFT, "the client has left") from error
        except TimeoutError as error:
            raise ApiError(408, "the request's body didn't arrive in time") from error
        if size > BODY_LIMIT:
            raise ApiError(413, f"the request's body has more than {BODY_LIMIT} bytes")
        try:
            asked = ChatRequest.model_validate_json(bytes(body))
        except ValidationError as error:
            first = error.errors()[0]
            param = ".".join(str(part) for part in first["loc"]) or None
            raise ApiError(400, f"{param or 'body'}: {first['msg']}", param=param) from error
        self._check_model(asked.model)
        return asked

    async def _pieces(self, asked: ChatRequest, arrived: float) -> AsyncGenerator[Piece]:
        """Yield the pieces of a reply, and turn what goes wrong into what the client is told."""
        first = True
        answered = self._answering.answer(asked)
        if self._traces:
            answered = traced(answered, asked, self._served.name, self._traces)
        try:
            async with aclosing(answered) as pieces:
                async for piece in pieces:
                    if first:
                        self._metrics.first.observe(time.monotonic() - arrived)
                    first = False
                    yield piece
        except BusyError as error:
            raise ApiError(429, "too many requests wait; try again in a moment", "queue_full") from error
        except TooLongError as error:
            raise ApiError(400, str(error), "context_length_exceeded", "messages") from error
        except PromptError as error:
            raise ApiError(400, str(error), param="messages") from error
        except TimeoutError as error:
            seconds = self._answering.limits.timeout
            raise ApiError(504, f"no whole reply within {seconds:g} seconds", "timeout") from error
        except GenerationError as error:
            raise ApiError(503, f"the model failed: {error}") from error
        finally:
            self._metrics.seconds.observe(time.monotonic() - arrived)

    async def _events(
        self, asked: ChatRequest, first: Piece, pieces: AsyncIterator[Piece]
    ) -> AsyncIterator[str]:
        reply = Reply(self._served.name)
        last = first
        yield reply.chunk(first, first=True)
        try:
            async for last in pieces:
                yield reply.chunk(last, first=False)
        except ApiError as error:
            # The status is sent already; the official client raises what has an error in it.
            yield event(error.body)
            return
        if asked.stream_options and asked.stream_options.include_usage:
            yield reply.usage_chunk(last)
        yield "data: [DONE]\n\n"

    async def _refuse(self, request: Request, error: Exception) -> Response:
        """Tell a client what is wrong: what was found here, by the router, or a fault of the server."""
        if isinstance(error, HTTPException):
            error = ApiError(error.status_code, f"{request.url.path}: {error.detail}")
        elif not isinstance(error, ApiError):
            error = ApiError(500, "a fault of the server; its log has more")
        self._metrics.requests.labels(str(error.status)).inc()
        return JSONResponse(error.body, error.status, error.headers)


async def _whole(pieces: AsyncGenerator[Piece]) -> tuple[str, Piece]:
    """Return the text of a reply and its last piece."""
    text = ""
    async with aclosing(pieces):
        async for last in pieces:
            text += last.text
    return text, last


async def _unless_left(request: Request, work: Awaitable[_Result]) -> _Result:
    """Return the result of ``work``; if the client leaves, cancel it at once, and with it its place.

    Raises:
        ApiError: The client has left.
    """
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_leave(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ApiError(_LEFT, "the client has left")
        return working.result()
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.wait((working, leaving))


async def _leave(request: Request) -> None:
    """Wait until the client closes the connection; its body is read already."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
