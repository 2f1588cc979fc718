"""Stages that start warm: `charter repro` imports their libraries once, and forks for each stage.

DVC starts a process for each stage, and on a small document importing torch, transformers and what goes with
them takes longer than the work itself. Here one process imports what the first stage that asks needs, and
lends itself: a stage's own process hands over its arguments, environment, folder and open files, and waits
for the exit code. A fork shares nothing with the next but what was imported. `dvc repro` does the same from
cold.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

_ADDRESS = "CHARTER_WARM_START"
"""The environment variable that tells a stage's process where the warm one listens."""
_GPUS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
"""NVIDIA's, that of Windows's Linux, AMD's."""
_FILES = (0, 1, 2)
_POLL = 0.05
"""Seconds between looks at whether the command has ended."""


def available() -> bool:
    """Say whether forking is safe: not where libraries, once imported, may have asked CUDA for a GPU."""
    return sys.platform == "linux" and not any(Path(device).exists() for device in _GPUS)


def run(command: Sequence[str], prepare: Callable[[Sequence[str]], None], entry: Callable[[], None]) -> int:
    """Run a command, and for each process below it that calls `delegate` a fork of this one.

    Args:
        command: What is run.
        prepare: Imports what the arguments of such a process, its ``sys.argv``, will need.
        entry: What the fork runs, by ``sys.argv``; it may end in SystemExit.

    Returns:
        The command's exit code.
    """
    forks: set[int] = set()
    with TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
        address = str(Path(folder) / "socket")
        try:
            server.bind(address)
        except OSError:
            # Below a TMPDIR of more than some ninety characters no socket has a name.
            return subprocess.run(command, check=False).returncode  # noqa: S603
        server.listen()
        server.settimeout(_POLL)
        with subprocess.Popen(command, env=os.environ | {_ADDRESS: address}) as process:  # noqa: S603
            # Ctrl-C reaches the command and its stages too: this process ends after them.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, lambda *_: process.terminate())
            while process.poll() is None:
                forks = {fork for fork in forks if os.waitpid(fork, os.WNOHANG)[0] == 0}
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.settimeout(None)
                    start, files = _receive(connection)
                    prepare(start["argv"])
                    forks.add(_fork(connection, start, files, entry))
    # Of those that still run, the processes that waited for them are gone.
    for fork in forks:
        os.kill(fork, signal.SIGTERM)
        os.waitpid(fork, 0)
    return process.returncode


def delegate() -> int | None:
    """Have the warm process do what this one was started for.

    Returns:
        The exit code, or None where there is no warm process.
    """
    address = os.environ.pop(_ADDRESS, None)
    if address is None:
        return None
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(address)
        except OSError:
            return None
        start = {"argv": sys.argv, "environment": dict(os.environ), "folder": str(Path.cwd())}
        message = json.dumps(start).encode()
        socket.send_fds(connection, [len(message).to_bytes(8)], _FILES)
        connection.sendall(message)
        fork = int.from_bytes(_read(connection, 8))
        signal.signal(signal.SIGTERM, lambda *_: os.kill(fork, signal.SIGTERM))
        # Ctrl-C reaches the fork by itself.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        code = _read(connection, 8)
    if not code:
        sys.stderr.write(f"charter: {' '.join(sys.argv[1:])} was killed\n")
        return 1
    return int.from_bytes(code)


def _receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    length, files, _, _ = socket.recv_fds(connection, 8, len(_FILES))
    return json.loads(_read(connection, int.from_bytes(length))), files


def _fork(
    connection: socket.socket, start: dict[str, Any], files: Sequence[int], entry: Callable[[], None]
) -> int:
    """Fork into the process that ``start`` describes; the files are closed here."""
    fork = os.fork()
    if not fork:
        try:
            for file, place in zip(files, _FILES, strict=True):
                os.dup2(file, place)
            connection.sendall(os.getpid().to_bytes(8))
            connection.sendall(_exit_code(start, entry).to_bytes(8))
        finally:
            os._exit(0)
    for file in files:
        os.close(file)
    return fork


def _exit_code(start: dict[str, Any], entry: Callable[[], None]) -> int:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.argv = start["argv"]
    os.environ.clear()
    os.environ.update(start["environment"])
    os.chdir(start["folder"])
    try:
        entry()
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def _read(connection: socket.socket, length: int) -> bytes:
    """Read so many bytes, or none where the other side is gone."""
    found = b""
    while len(found) < length:
        part = connection.recv(length - len(found))
        if not part:
            return b""
        found += part
    return found
