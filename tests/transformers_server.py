"""transformers' own OpenAI-compatible server as a process of its own, started and stopped."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from local_server import free_port

START_SECONDS = 180


@dataclass(frozen=True)
class TransformersServer:
    """A running server: its base URL, and the file that its log goes to."""

    url: str
    log: Path


@contextmanager
def serve(model: Path, log: Path) -> Iterator[TransformersServer]:
    """Serve a transformers folder, under its path as name, in float32 on the CPU.

    Raises:
        RuntimeError: It ended or said nothing in time; the message is its log.
    """
    port = free_port()
    command = [Path(sys.executable).parent / "transformers", "serve", model, "--device", "cpu"]
    options = ["--dtype", "float32", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as output:
        # A process group, so that whatever the server starts ends with it.
        server = subprocess.Popen(
            [*command, *options],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"HF_HUB_OFFLINE": "1"},
            start_new_session=True,
        )
    try:
        _wait_until_ready(server, f"http://127.0.0.1:{port}/health", log)
        yield TransformersServer(f"http://127.0.0.1:{port}/v1", log)
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _wait_until_ready(server: subprocess.Popen[bytes], health: str, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < end:
        try:
            if httpx.get(health, timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise RuntimeError(f"transformers serve: {server.poll()}\n{log.read_text(errors='replace')[-4000:]}")
