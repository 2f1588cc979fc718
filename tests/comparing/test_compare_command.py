"""`charter compare` puts the page together of what the project has, and stops writing for who has left."""

import asyncio
import shutil
import socket
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from charter.cli.comparing import compare
from charter.comparing import comparisons
from charter.comparing.decoding import AdaptedSeed
from charter.comparing.stake import Stakes
from charter.comparing.systems import Systems
from charter.pages import app as pages_app
from charter.project.errors import CharterError
from charter.serving import passages, running
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

    def run(self, places: list[socket.socket]) -> None:
        [place] = places
        assert place.getsockname()[1] == 8009
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


def test_a_port_that_is_taken_is_told_before_anything_is_loaded(
    compared: Compared, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(ROOT / "params.yaml", compared.paths.root)
    monkeypatch.chdir(compared.paths.root)
    monkeypatch.setattr(passages, "Passages", lambda *_: pytest.fail("it loads"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            CharterError,
            match=f"port {port} of 127.0.0.1 .*choose another with --port: Address already in use",
        ):
            compare("bcg", port=port)


def test_who_leaves_while_it_waits_makes_room_for_others(
    compared: Compared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparisons, "WAITING", 1)
    systems = Systems(compared.params, compared.paths)
    found = passages.Passages(compared.params, compared.paths)
    asking = comparisons.Comparisons(
        systems, found, Stakes([], found.chunks, found.encoder), tmp_path / "votes.jsonl"
    )
    waits = Event()

    async def never(*_: Any) -> None:
        waits.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(systems, "write", never)

    async def leave() -> None:
        chosen = list(systems.candidates.values())[:2]
        news = asking.ask("Why?", chosen, blind=False)
        await anext(news)
        waiting = asyncio.ensure_future(anext(news))
        await asyncio.to_thread(waits.wait, 30)
        with pytest.raises(comparisons.BusyError):
            await anext(asking.ask("And I?", chosen, blind=False))
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await anext(asking.ask("And I?", chosen, blind=False))

    asyncio.run(leave())
    systems.close()


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
