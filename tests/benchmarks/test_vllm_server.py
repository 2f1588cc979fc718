"""Servers of benchmarks start, answer and stop, or say why not; environments are made once."""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import httpx
import pytest


@pytest.fixture
def vllm_server(load_script: Callable[[str], ModuleType]) -> ModuleType:
    return load_script("benchmarks/vllm_server")


def is_running(process: int) -> bool:
    """Whether a process is there and no zombie, which nobody may reap here."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_server_and_what_it_started_stop_with_the_block(vllm_server: ModuleType, tmp_path: Path) -> None:
    port, child = vllm_server.free_port(), tmp_path / "child"
    script = f"sleep 600 & echo $! > {child}; exec {sys.executable} -m http.server -b 127.0.0.1 {port}"
    address = f"http://127.0.0.1:{port}"
    log = tmp_path / "log"
    failure = RuntimeError("the benchmark failed")

    def use_and_fail() -> None:
        with vllm_server.serving(["sh", "-c", script], address, log, {}, seconds=60):
            assert httpx.get(address).is_success
            assert is_running(int(child.read_text()))
            raise failure

    with pytest.raises(RuntimeError) as raised:
        use_and_fail()
    assert raised.value is failure
    assert not is_running(int(child.read_text()))
    with pytest.raises(httpx.ConnectError):
        httpx.get(address)
    assert "GET / HTTP" in log.read_text()


def test_a_server_that_ends_shows_the_end_of_its_log(vllm_server: ModuleType, tmp_path: Path) -> None:
    script = 'for number in $(seq 50); do echo "line $number: $SETTING"; done; exit 3'
    address = f"http://127.0.0.1:{vllm_server.free_port()}"
    with (
        pytest.raises(vllm_server.BenchmarkError) as error,
        vllm_server.serving(["sh", "-c", script], address, tmp_path / "log", {"SETTING": "out of memory"}),
    ):
        pytest.fail("it never answered")
    assert "ended (3)" in str(error.value)
    assert "line 50: out of memory" in str(error.value)
    assert "line 30:" not in str(error.value)


def test_a_server_that_says_nothing_is_given_up_and_killed(vllm_server: ModuleType, tmp_path: Path) -> None:
    own = tmp_path / "own"
    command = ["sh", "-c", f"echo $$ > {own}; echo loading; exec sleep 600"]
    address = f"http://127.0.0.1:{vllm_server.free_port()}"
    start = time.monotonic()
    with (
        pytest.raises(vllm_server.BenchmarkError, match=r"didn't answer within 1 s:\nloading"),
        vllm_server.serving(command, address, tmp_path / "log", {}, seconds=1),
    ):
        pytest.fail("it never answered")
    assert time.monotonic() - start < 120  # and not 600
    assert not is_running(int(own.read_text()))


def test_vllm_is_started_from_its_environment(vllm_server: ModuleType, tmp_path: Path) -> None:
    # The program stands for its Python: it logs what it was told, and serves the address that it was given.
    program = tmp_path / "python"
    program.write_text(
        f"#!{sys.executable}\n"
        "import http.server, os, sys\n"
        "print(os.environ['VLLM_CPU_KVCACHE_SPACE'], os.environ['PATH'], *sys.argv[1:], flush=True)\n"
        "class Handler(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(200)\n"
        "        self.end_headers()\n"
        "    def do_POST(self):\n"
        "        print(self.rfile.read(int(self.headers['Content-Length'])).decode(), flush=True)\n"
        "        self.do_GET()\n"
        "port = int(sys.argv[sys.argv.index('--port') + 1])\n"
        "http.server.HTTPServer(('127.0.0.1', port), Handler).serve_forever()\n"
    )
    program.chmod(0o755)
    log = tmp_path / "log"
    with vllm_server.serving_vllm(tmp_path, tmp_path / "model", log) as url:
        assert url.startswith("http://127.0.0.1:")
        assert url.endswith("/v1")
        said = [line for line in log.read_text().splitlines() if "HTTP/1" not in line]
    assert said[0].startswith(f"4 {tmp_path}{os.pathsep}")
    assert f"--model {tmp_path / 'model'} --served-model-name teacher" in said[0]
    # It is warm when it is handed over: it has sampled, and given log-probs.
    assert ["top_p" in json.loads(line) for line in said[1:]] == [True, False]
    assert ["top_logprobs" in json.loads(line) for line in said[1:]] == [False, True]


def test_an_environment_is_made_once_for_each_list(
    vllm_server: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Sequence[str]] = []
    monkeypatch.setattr(vllm_server, "run_quietly", asked.append)
    folder, requirements = tmp_path / "environment", tmp_path / "list.txt"
    folder.mkdir()
    requirements.write_text("torch==2.13.0\n")
    assert vllm_server.make_environment(folder, requirements) == folder / "bin"
    assert [command[2] for command in asked] == ["venv", "pip"]
    assert "--no-deps" in asked[1]
    vllm_server.make_environment(folder, requirements)
    assert len(asked) == 2
    requirements.write_text("torch==2.14.0\n")
    vllm_server.make_environment(folder, requirements)
    assert len(asked) == 4


def test_an_environment_that_could_not_be_made_is_tried_again(
    vllm_server: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, requirements = tmp_path / "environment", tmp_path / "list.txt"
    folder.mkdir()
    requirements.write_text("no-such-package\n")
    run_quietly = vllm_server.run_quietly

    def fail(_: Sequence[str]) -> None:
        run_quietly(["sh", "-c", "echo no matching distribution; exit 1"])

    monkeypatch.setattr(vllm_server, "run_quietly", fail)
    for _ in range(2):
        with pytest.raises(vllm_server.BenchmarkError, match=r"failed \(1\):\nno matching distribution"):
            vllm_server.make_environment(folder, requirements)
