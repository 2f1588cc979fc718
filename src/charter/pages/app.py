"""A page: its files, those that all pages share, and its launch."""

import os
import sys
import webbrowser
from collections.abc import Collection
from pathlib import Path
from socket import socket
from typing import Annotated

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import StringConstraints
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import StatelessLifespan

from charter.pages.guard import Guard
from charter.project.errors import CharterError
from charter.serving.running import Address, http_server

_SHARED = Path(__file__).parent / "shared"

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
PersonName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]


def page_app(lifespan: StatelessLifespan[FastAPI] | None = None) -> FastAPI:
    """Begin a page's application; it has none of FastAPI's pages, which load scripts from elsewhere."""
    app = FastAPI(openapi_url=None, lifespan=lifespan)
    app.add_exception_handler(RequestValidationError, _refuse)
    app.add_exception_handler(CharterError, _tell)
    app.mount("/shared", StaticFiles(directory=_SHARED))
    return app


def close_app(app: FastAPI, files: Path, keys: Collection[str], address: Address) -> FastAPI:
    """Add the page's own files, once its routes below /api are there, and let only those in who may."""
    app.mount("/", StaticFiles(directory=files, html=True))
    app.add_middleware(Guard, keys=keys)
    if address.is_loopback:
        # A site that lets its name point to this machine would be of one origin with the page.
        hosts = {address.host, "localhost", "127.0.0.1", "::1"}
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=sorted(hosts), www_redirect=False)
    return app


def run_page(app: FastAPI, address: Address, places: list[socket], *, browser: bool) -> None:
    """Serve a page on ``places``, which listen, until Ctrl-C; with a screen, open it in the browser."""
    server = http_server(app, address, timeout=5)
    if browser and _has_screen():
        webbrowser.open(f"http://{address.host}:{address.port}")
    server.run(places)


def _has_screen() -> bool:
    """Without one, a browser of the terminal would take it."""
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


async def _refuse(_: Request, error: Exception) -> JSONResponse:
    """Say what is wrong first, without what was sent, which may be no text at all."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    return JSONResponse({"detail": f"{first['loc'][-1]}: {first['msg']}"}, 422)


async def _tell(_: Request, error: Exception) -> JSONResponse:
    """Say what is broken, and in which file."""
    return JSONResponse({"detail": str(error)}, 500)
