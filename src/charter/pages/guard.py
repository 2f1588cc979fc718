"""Who may use a page, and what a browser may do with it."""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from charter.serving.running import is_opened

BODY_LIMIT = 2**16
"""Bytes of a request's body."""

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Guard:
    """Lets in who has a key, if there are keys, from this page alone; the page itself is open.

    A page of another site can make a browser post to this one, but not without the header ``Origin``.
    """

    def __init__(self, app: ASGIApp, keys: Collection[str]):
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        refusal = self._refuse(scope)
        await (refusal or self._app)(scope, receive, send_with_headers)

    def _refuse(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        if scope["path"].startswith("/api/") and not is_opened(headers.get("authorization", ""), self._keys):
            return JSONResponse({"detail": "wrong key, or none"}, 401)
        if scope["method"] != "POST":
            return None
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != headers.get("host"):
            return JSONResponse({"detail": "only the page itself may send this"}, 403)
        length = headers.get("content-length", "")
        if not length.isdecimal():
            return JSONResponse({"detail": "send Content-Length"}, 411)
        if int(length) > BODY_LIMIT:
            return JSONResponse({"detail": f"more than {BODY_LIMIT} bytes"}, 413)
        return None
