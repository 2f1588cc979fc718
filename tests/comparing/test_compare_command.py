"""`charter compare` puts the page together of what the project has, and stops writing for who has left."""

import asyncio
import shutil
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from charter.cli.comparing import compare
from charter.comparing.decoding import AdaptedSeed
from charter.comparing.systems import Systems
from charter.pages import app as pages_app
from charter.project.errors import CharterError
from charter.serving import running
from compared_systems import Compared

pytest_plugins = ["compared_systems"]
pytestmark = pytest.mark.models

ROOT = Path(__file__).parent.parent.parent


class PlayedServer:
    """Takes the place of uvicorn's: asks the page for its systems, and ends."""

    listed: dict[str, Any]

    def __init__(self, app: FastAPI, address: running.Address, timeout: float):
        self._app = app
        self._url = f"http://{address.host}:{address.port}"

    def run(self) -> None:
        with TestClient(self._app, base_url=self._url) as client:
            PlayedServer.listed = client.get("/api/systems").json()


def test_the_command_opens_the_page_of_its_corpus(
    compared: Compared, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(ROOT / "params.yaml", compared.paths.root)
    monkeypatch.chdir(compared.paths.root)
    monkeypatch.setattr(pages_app, "http_server", PlayedServer)
    compare("bcg", host="127.0.0.1", port=8009, browser=False)
    assert PlayedServer.listed["title"] == compared.params.corpora["bcg"].title
    assert "http://127.0.0.1:8009" in capsys.readouterr().out
    monkeypatch.delenv(running.KEYS, raising=False)
    with pytest.raises(CharterError, match="lets other machines in"):
        compare("bcg", host="0.0.0.0", port=8009, browser=False)


def test_who_leaves_ends_the_writing(compared: Compared, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ended = Event(), Event()

    def write(*given: Any) -> None:
        left: Event = given[-1]
        begun.set()
        assert left.wait(30)
        ended.set()

    monkeypatch.setattr(AdaptedSeed, "write", write)
    systems = Systems(compared.params, compared.paths)

    async def leave() -> None:
        task = asyncio.create_task(systems.write([systems.candidates["sft"]], "Why?", [], lambda *_: None))
        assert await asyncio.to_thread(begun.wait, 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(leave())
    systems.close()
    assert ended.is_set()
