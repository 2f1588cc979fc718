"""A Hugging Face hub on loopback, with the few routes that `snapshot_download` asks."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from local_server import serving

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class HubServer(ThreadingHTTPServer):
    """Serves ``files`` as the repository acme/model; ``sent`` names those that were downloaded."""

    def __init__(self, files: dict[str, bytes]):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.sent: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: HubServer
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._file(send=False)

    def do_GET(self) -> None:
        if self.path.startswith("/api/models/acme/model/tree/"):
            self._json(
                [
                    {"type": "file", "path": name, "size": len(content), "oid": _oid(content)}
                    for name, content in self.server.files.items()
                ]
            )
        elif self.path.startswith("/api/models/acme/model"):
            self._json({"id": "acme/model", "sha": COMMIT, "siblings": []})
        else:
            self._file(send=True)

    def _file(self, *, send: bool) -> None:
        repository, _, rest = self.path.removeprefix("/").partition("/resolve/")
        name = rest.partition("/")[2]
        if repository != "acme/model" or name not in self.server.files:
            self._answer(404, b"", {"X-Error-Code": "EntryNotFound" if name else "RepoNotFound"})
            return
        content = self.server.files[name]
        if send:
            self.server.sent.append(name)
        self._answer(200, content, {"ETag": f'"{_oid(content)}"', "X-Repo-Commit": COMMIT}, send=send)

    def _json(self, value: Any) -> None:
        self._answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _answer(self, status: int, body: bytes, headers: dict[str, str], *, send: bool = True) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if send:
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Be quiet."""


@contextmanager
def serving_hub(files: dict[str, bytes], cache: Path) -> Iterator[HubServer]:
    """Let `huggingface_hub` find ``files`` as its hub, and keep what it downloads in ``cache``."""
    with serving(HubServer(files)) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "ENDPOINT", server.url)
        template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
        patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        patch.setattr(constants, "HF_HUB_CACHE", str(cache))
        yield server


def _oid(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()
