"""Warm starts: a process does in a fork of another one what it would have done itself."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from charter import warm_start

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks are lent on Linux alone")

TOOL = """
import json, os, sys, time
from pathlib import Path
from charter import warm_start

def prepare(argv):
    print("prepared", argv[1], flush=True)

def work():
    name = sys.argv[1]
    if name == "tell":
        print(json.dumps([sys.argv[2:], os.environ["WHAT"], os.getcwd(), os.getppid()]), flush=True)
    elif name == "error":
        raise ValueError("of the work")
    elif name == "exit":
        sys.exit(int(sys.argv[2]))
    elif name == "message":
        sys.exit("refused")
    elif name == "sleep":
        Path(sys.argv[2]).write_text(str(os.getpid()))
        time.sleep(60)

if sys.argv[1] == "serve":
    print("server", os.getpid(), flush=True)
    sys.exit(warm_start.run(sys.argv[2:], prepare, work))
code = warm_start.delegate()
if code is None:
    print("cold")
    work()
sys.exit(code)
"""


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    path = tmp_path / "tool.py"
    path.write_text(TOOL)
    return path


def served(tool: Path, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script below a warm process; ``$TOOL`` in it is the tool."""
    command = [sys.executable, str(tool), "serve", "sh", "-c", script]
    environment = os.environ | {"TOOL": f"{sys.executable} {tool}", "WHAT": "before"} | variables
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_a_fork_has_the_arguments_environment_folder_and_files_of_its_process(
    tool: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    ended = served(tool, f"cd {folder} && WHAT=now $TOOL tell 'a b' c > told; $TOOL tell")
    assert ended.returncode == 0
    server, *prepared, last = ended.stdout.splitlines()
    assert prepared == ["prepared tell"] * 2
    number = int(server.split()[1])
    assert json.loads((folder / "told").read_text()) == [["a b", "c"], "now", str(folder), number]
    assert json.loads(last) == [[], "before", str(folder), number]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("exit 0", 0, ""),
        ("exit 3", 3, ""),
        ("message", 1, "refused"),
        ("error", 1, "ValueError: of the work"),
    ],
)
def test_the_exit_code_and_the_error_are_those_of_the_work(
    tool: Path, arguments: str, code: int, message: str
) -> None:
    ended = served(tool, f"$TOOL {arguments}; exit $?")
    assert ended.returncode == code
    assert message in ended.stderr


def test_without_a_warm_process_it_starts_cold(tool: Path, tmp_path: Path) -> None:
    temporary = tmp_path / ("long" * 30)
    temporary.mkdir()
    ended = served(tool, "$TOOL exit 5; exit $?", TMPDIR=str(temporary))
    assert (ended.returncode, ended.stdout.splitlines()[1]) == (5, "cold")
    for environment in ({}, {"CHARTER_WARM_START": str(tool.parent / "gone")}):
        command = [sys.executable, str(tool), "exit", "4"]
        ended = subprocess.run(command, env=os.environ | environment, capture_output=True, check=False)
        assert (ended.returncode, ended.stdout) == (4, b"cold\n")


@pytest.mark.parametrize(("number", "whom"), [(signal.SIGTERM, "process"), (signal.SIGKILL, "fork")])
def test_what_ends_the_process_or_the_fork_ends_both(
    tool: Path, tmp_path: Path, number: int, whom: str
) -> None:
    command = [sys.executable, str(tool), "serve", sys.executable, str(tool), "sleep", str(tmp_path / "fork")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        fork = _number_in(tmp_path / "fork")
        children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
        (process,) = (int(child) for child in children if int(child) != fork)
        os.kill(process if whom == "process" else fork, number)
        assert server.wait(timeout=30) == 1
        assert server.stderr is not None
        assert "was killed" in server.stderr.read()
    with pytest.raises(ProcessLookupError):
        os.kill(fork, 0)


def test_no_fork_is_lent_where_there_is_a_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for device, available in ((tmp_path, False), (tmp_path / "none", True)):
        monkeypatch.setattr(warm_start, "_GPUS", (str(device),))
        assert warm_start.available() == available


def test_ctrl_c_ends_all(tool: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(tool), "serve", sys.executable, str(tool), "sleep", str(tmp_path / "fork")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as server:
        fork = _number_in(tmp_path / "fork")
        os.killpg(server.pid, signal.SIGINT)
        assert server.wait(timeout=30) == 1
        assert server.stderr is not None
        assert server.stderr.read().count("KeyboardInterrupt") == 1
    with pytest.raises(ProcessLookupError):
        os.kill(fork, 0)


def _number_in(path: Path) -> int:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if path.exists() and path.read_text():
            return int(path.read_text())
        time.sleep(0.02)
    raise AssertionError(f"{path} wasn't written")
