"""The alias moves under load, versions that don't fit, and an end that cuts nobody off."""

import asyncio
import gc
import os
import shutil
import signal
import socket
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from openai import InternalServerError, OpenAI

from charter.cli.serving import serve as serve_command
from charter.project.errors import CharterError
from charter.project.paths import ProjectPaths
from charter.registry.adapters import AdapterVersion
from charter.serving import served as served_module
from charter.serving.batching import BatchedModel
from charter.serving.served import ServedModel, Source
from local_server import free_port
from served_models import MODEL, Registry, Serve, wait_until_healthy

pytest_plugins = ["mlflow_store", "served_models"]
pytestmark = pytest.mark.models

TURNS = [{"role": "user", "content": "May I take gifts?"}]
MOVE_SECONDS = 180


def ask_until(stop: threading.Event, url: str, stream: bool) -> list[tuple[str, str]]:
    """Ask the same again and again; return what was said with the weights that said it."""
    replies = []
    with OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        while not stop.is_set():
            if stream:
                chunks = list(client.chat.completions.create(model=MODEL, messages=TURNS, stream=True))
                [fingerprint] = {chunk.system_fingerprint for chunk in chunks}
                text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
            else:
                reply = client.chat.completions.create(model=MODEL, messages=TURNS)
                fingerprint, text = reply.system_fingerprint, reply.choices[0].message.content or ""
            replies.append((fingerprint or "", text))
    return replies


def test_the_server_follows_the_alias_and_drops_no_request(registry: Registry, serve: Serve) -> None:
    registry.point("moving", 1)
    stop = threading.Event()
    with serve("moving") as running, ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(ask_until, stop, running.url, bool(number % 2)) for number in range(4)]
        try:
            for number in (2, 1):
                registry.point("moving", number)
                wait_until_served(running.url, number)
        finally:
            stop.set()
        replies = [reply for future in asked for reply in future.result()]
    # Each version says one thing, so no reply mixes the two.
    assert sorted(fingerprint.split("-")[1] for fingerprint, _ in set(replies)) == ["1", "2"]
    assert len({text for _, text in replies}) == 2


def wait_until_served(url: str, number: int) -> None:
    end = time.monotonic() + MOVE_SECONDS
    while httpx.get(f"{url}/v1/models", timeout=60).json()["data"][0]["root"] != f"models:/{MODEL}/{number}":
        assert time.monotonic() < end, f"version {number} isn't served"
        time.sleep(0.05)
    time.sleep(0.5)  # so that some are answered by it


def test_a_model_that_is_replaced_is_freed_and_one_that_cant_be_replaced_serves_on(
    registry: Registry, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.point("freed", 1)
    served = ServedModel(Source(registry.params, registry.paths, "dpo", "freed"), 1)
    old = weakref.ref(served.model)

    async def follow() -> None:
        ended, end = asyncio.Event(), time.monotonic() + MOVE_SECONDS
        following = asyncio.create_task(served.follow(0.01, ended))
        while served.version.number != 2 and time.monotonic() < end:
            await asyncio.sleep(0.01)
        ended.set()
        await following

    registry.point("freed", 2)
    asyncio.run(follow())
    gc.collect()
    assert old() is None
    registry.client.delete_registered_model_alias(MODEL, "freed")

    async def look(times: int) -> None:
        ended, loop, looked, find = asyncio.Event(), asyncio.get_running_loop(), [], Source.find

        def counted(source: Source) -> AdapterVersion:
            looked.append(source)
            if len(looked) == times:
                loop.call_soon_threadsafe(ended.set)
            return find(source)

        monkeypatch.setattr(Source, "find", counted)
        await served.follow(0.01, ended)

    monkeypatch.setattr(served_module, "_AFTER_A_FAILURE", 0.01)
    asyncio.run(look(times=3))
    assert served.version.number == 2
    assert b"charter_model_version 2.0" in served.metrics.text()
    assert b"charter_model_reloads_total 0.0" in served.metrics.text()
    assert served.model.alive
    served.model.stop()
    assert not served.model.alive
    said = capsys.readouterr().err
    assert said.count("version 2 is served now, in place of 1") == 1
    assert said.count("version 2 is served on: charter-bcg has no freed") == 1


def test_a_version_of_another_seed_is_refused(registry: Registry, tmp_path: Path) -> None:
    paths = ProjectPaths(tmp_path).corpus("bcg")
    shutil.copytree(registry.paths.seed, paths.seed)
    (paths.seed / "config.json").write_text("{}")
    source = Source(registry.params, paths, "dpo", "champion")
    version = Source(registry.params, registry.paths, "dpo", "champion").find()
    with pytest.raises(CharterError, match="is not the seed that charter-bcg version 1 was trained over"):
        source.fetch(version)


@pytest.mark.usefixtures("tracing")
def test_sigterm_lets_a_stream_end_and_its_trace_be_written(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    registry.point("ending", 2)
    monkeypatch.chdir(registry.paths.root)

    def ask() -> str | None:
        wait_until_healthy(url)
        with OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
            stream = client.chat.completions.create(model=MODEL, messages=TURNS, stream=True, max_tokens=60)
            next(iter(stream))
            os.kill(os.getpid(), signal.SIGTERM)
            *_, last = stream
            return last.choices[0].finish_reason

    # The server hands the signal on when it has ended, and this process is to live.
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(ask)
            serve_command("bcg@ending", port=port)
            assert asked.result() == "length"
    finally:
        signal.signal(signal.SIGTERM, before)
    assert f"{MODEL} version 2: {url}/v1" in capsys.readouterr().out
    experiment = registry.client.get_experiment_by_name("charter/bcg")
    assert experiment is not None
    [trace] = registry.client.search_traces(locations=[experiment.experiment_id])
    assert trace.info.tags["version"].startswith("version-2-")
    assert trace.data.spans[0].outputs


def break_model(model: BatchedModel) -> None:
    """Have the thread of the batch end with an error, as where memory runs out."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("out of memory")

    model._manager._generation_loop_body = fail


def test_a_model_that_stops_is_loaded_again_once(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    registry.point("stopping", 2)
    monkeypatch.chdir(registry.paths.root)
    loaded: list[BatchedModel] = []
    load, may_load = ServedModel._load, threading.Event()

    def load_and_keep(served: ServedModel, version: AdapterVersion) -> BatchedModel:
        if loaded:
            may_load.wait(MOVE_SECONDS)
        loaded.append(load(served, version))
        return loaded[-1]

    monkeypatch.setattr(ServedModel, "_load", load_and_keep)

    def ask() -> str | None:
        with OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
            return client.chat.completions.create(model=MODEL, messages=TURNS).choices[0].message.content

    def stop_twice() -> None:
        try:
            wait_until_healthy(url)
            said = ask()
            break_model(loaded[0])
            while loaded[0].alive:
                time.sleep(0.01)
            assert httpx.get(f"{url}/health", timeout=60).status_code == 503
            with pytest.raises(InternalServerError, match="the model"):
                ask()
            may_load.set()
            wait_until_healthy(url)
            assert ask() == said
            assert "charter_model_reloads_total 1.0" in httpx.get(f"{url}/metrics", timeout=60).text
            break_model(loaded[1])
        except BaseException:
            os.kill(os.getpid(), signal.SIGTERM)
            raise

    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(stop_twice)
            with pytest.raises(
                CharterError, match=r"version 2: .*out of memory.* a second time; the server ends"
            ):
                serve_command("bcg@stopping", port=port)
            asked.result()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert capsys.readouterr().err.count("it is loaded again") == 1


def test_a_model_that_cant_be_loaded_again_is_an_error(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = ServedModel(Source(registry.params, registry.paths, "dpo", "champion"), 1)
    break_model(served.model)

    def fail(*_: object) -> BatchedModel:
        raise CharterError("no memory")

    monkeypatch.setattr(ServedModel, "_load", fail)
    following = served.follow(0.01, asyncio.Event())
    with pytest.raises(CharterError, match="can't be loaded again; the server ends: no memory"):
        asyncio.run(following)


def test_a_port_that_is_taken_is_told_before_anything_is_loaded(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(registry.paths.root)
    monkeypatch.setattr(Source, "find", lambda _: pytest.fail("it looked for a model"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            CharterError,
            match=f"port {port} of 127.0.0.1 .*choose another with --port: Address already in use",
        ):
            serve_command("bcg", port=port)
