"""Replies and errors in OpenAI's shape."""

import json
import time
from typing import Any
from uuid import uuid4

from charter.project.citations import citation_of
from charter.serving.answering import Piece


class ApiError(Exception):
    """An error that a client is told of."""

    def __init__(self, status: int, message: str, code: str | None = None, param: str | None = None):
        super().__init__(message)
        self.status = status
        self.headers = {"Retry-After": "1"} if status == 429 else {}
        kind = "invalid_request_error" if status < 500 else "server_error"
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": code}}


class Reply:
    """One completion, whole or in chunks."""

    def __init__(self, model: str):
        self._head = {"id": f"chatcmpl-{uuid4().hex}", "created": int(time.time()), "model": model}

    def whole(self, text: str, last: Piece) -> dict[str, Any]:
        """Return a completion: ``text`` is all of it, ``last`` its last piece."""
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": text} | _citations(last),
            "finish_reason": last.finish,
        }
        return self._body("chat.completion", last, [choice]) | {"usage": _usage(last)}

    def chunk(self, piece: Piece, first: bool) -> str:
        """Return one event of a stream."""
        delta = {"role": "assistant"} if first else {}
        delta |= {"content": piece.text} | _citations(piece)
        choice = {"index": 0, "delta": delta, "finish_reason": piece.finish}
        return event(self._body("chat.completion.chunk", piece, [choice]))

    def usage_chunk(self, last: Piece) -> str:
        """Return the event that only has the usage."""
        return event(self._body("chat.completion.chunk", last, []) | {"usage": _usage(last)})

    def _body(self, kind: str, piece: Piece, choices: list[dict[str, Any]]) -> dict[str, Any]:
        fingerprint = {"system_fingerprint": piece.fingerprint}
        return self._head | {"object": kind, "choices": choices} | fingerprint


def event(body: dict[str, Any]) -> str:
    """Return a server-sent event."""
    return f"data: {json.dumps(body)}\n\n"


def _citations(piece: Piece) -> dict[str, Any]:
    """Say where the passages stand: document, headings from the outermost, pages from 1, and their text."""
    if piece.citations is None:
        return {}
    return {"citations": [citation_of(chunk) for chunk in piece.citations]}


def _usage(last: Piece) -> dict[str, int]:
    read, written = last.prompt_tokens, last.tokens
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
