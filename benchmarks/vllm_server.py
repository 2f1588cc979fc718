"""Environments and a vLLM server for benchmarks: each is made once and starts and stops with a block."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from charter.project.errors import CharterError

MODEL = "teacher"
"""The name under which the model is served."""

MAX_TOKENS = 8192
"""Peers ask for answers of up to 4096 tokens, and a server refuses what prompt and answer may exceed."""

START_SECONDS = 300.0
STOP_SECONDS = 20.0
TAIL_LINES = 20

# On the CPU a server takes its cache from memory, and half of that unless it is told; its threads bind to
# cores that it believes to be its own.
SETTINGS = {
    "VLLM_CPU_KVCACHE_SPACE": "4",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
}


class BenchmarkError(CharterError):
    """What keeps a comparison from being made, for people to read."""


def make_environment(folder: Path, requirements: Path) -> Path:
    """Return the folder of the programs of an environment with exactly these packages; make it if needed.

    The requirements list every package, so pip is told not to add any: torch would bring CUDA's.
    """
    marker = folder / "made-of"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if not marker.exists() or marker.read_text() != wanted:
        run_quietly([sys.executable, "-m", "venv", "--clear", str(folder)])
        install = ["install", "--quiet", "--no-deps", "--requirement", str(requirements)]
        run_quietly([str(folder / "bin" / "python"), "-m", "pip", *install])
        marker.write_text(wanted)
    return folder / "bin"


def run_quietly(command: Sequence[str]) -> None:
    """Run a command to its end.

    Raises:
        BenchmarkError: It failed; what it last said is told.
    """
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # noqa: S603
    if ended.returncode:
        raise BenchmarkError(f"{' '.join(command)} failed ({ended.returncode}):\n{tail(ended.stdout)}")


@contextmanager
def serving_vllm(programs: Path, model: Path, log: Path) -> Iterator[str]:
    """Serve ``model`` by vLLM from the environment of ``programs``; yield the address that ends in /v1."""
    port = free_port()
    # The module and not the program vllm, which looks for a package of its own name and finds vllm-cpu.
    command = [str(programs / "python"), "-m", "vllm.entrypoints.openai.api_server", "--model", str(model)]
    command += ["--served-model-name", MODEL]
    command += ["--host", "127.0.0.1", "--port", str(port), "--max-model-len", str(MAX_TOKENS)]
    command += ["--dtype", "bfloat16", "--enforce-eager", "--enable-prefix-caching"]
    # After a part of a prompt the generator of a request with a seed is wound back, which torch's for CPUs
    # refuses: the server ends. So prompts are read whole.
    command += ["--no-enable-chunked-prefill", "--max-num-batched-tokens", str(MAX_TOKENS)]
    address = f"http://127.0.0.1:{port}"
    # The programs that vLLM starts itself are those of its environment, too.
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    with serving(command, f"{address}/health", log, SETTINGS | {"PATH": path}):
        warm_up(f"{address}/v1")
        yield f"{address}/v1"


def warm_up(url: str) -> None:
    """Ask once for what the first request of its kind has the server compile: sampling, log-probs."""
    sampled, judged = {"temperature": 0.7, "top_p": 0.95, "seed": 0}, {"logprobs": True, "top_logprobs": 5}
    for kind in (sampled, judged):
        body = {"model": MODEL, "messages": [{"role": "user", "content": "Is snow white?"}], "max_tokens": 4}
        httpx.post(f"{url}/chat/completions", json=body | kind, timeout=START_SECONDS).raise_for_status()


@contextmanager
def serving(
    command: Sequence[str],
    health: str,
    log: Path,
    settings: Mapping[str, str],
    seconds: float = START_SECONDS,
) -> Iterator[None]:
    """Run a server while the block runs, which starts when the address ``health`` answers.

    The server has a process group of its own, and all of it is ended.

    Raises:
        BenchmarkError: It ended, or didn't answer within ``seconds``; what it last said is told.
    """
    with log.open("w") as output:
        server = subprocess.Popen(  # noqa: S603
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | settings,
            start_new_session=True,
        )
    try:
        _await_health(server, health, log, seconds)
        yield
    finally:
        _stop(server)


def free_port() -> int:
    """Return a port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def tail(text: str) -> str:
    """Return the last lines of a log."""
    return "\n".join(text.splitlines()[-TAIL_LINES:])


def _await_health(server: subprocess.Popen[bytes], health: str, log: Path, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if (code := server.poll()) is not None:
            raise BenchmarkError(f"the server ended ({code}) before it answered:\n{tail(log.read_text())}")
        try:
            if httpx.get(health, timeout=5).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise BenchmarkError(f"the server didn't answer within {seconds:.0f} s:\n{tail(log.read_text())}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    # The leader may be gone and what it started not: the group is asked, not the process.
    for number in (signal.SIGTERM, signal.SIGKILL):
        until = time.monotonic() + STOP_SECONDS
        try:
            os.killpg(server.pid, number)
            while time.monotonic() < until:
                server.poll()
                os.killpg(server.pid, 0)
                time.sleep(0.2)
        except ProcessLookupError:
            return
