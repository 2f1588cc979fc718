"""The command line as a whole: its help, and how it fails."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from charter.cli.main import app

Charter = Callable[..., Any]


def test_help_names_every_command_and_the_way(charter: Charter) -> None:
    done = charter("--help")
    assert done.code == 0
    commands = [command.name for command in app.registered_commands]
    assert {"add", "params", "profile", "stage", "diff", "results", "publish", "promote"} <= set(commands)
    for command in commands:
        assert f" {command} " in done.out
    assert "charter add NAME PATH, dvc repro extract@NAME, charter preview NAME" in done.out


@pytest.mark.parametrize("command", [command.name for command in app.registered_commands])
def test_every_command_explains_itself(charter: Charter, command: str) -> None:
    done = charter(command, "--help")
    assert done.code == 0
    assert f"Usage: charter {command}" in done.out


def test_python_m_charter_is_the_command_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "charter", "params"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("charter: ")
    assert "run charter in the project's folder" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "promote",
        "rollback",
        "history",
        "results",
        "answers",
        "diff",
        "estimate",
        "preview",
        "rules",
        "filters",
        "publish",
        "compare",
        "votes",
    ],
)
def test_an_unknown_corpus_is_one_message_and_exit_code_1(charter: Charter, command: str) -> None:
    done = charter(command, "nowhere")
    assert done.code == 1
    assert done.err == "charter: no corpus 'nowhere' in params.yaml; there are udhr, bcg\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train",), "No such command 'train'"),
        (("add",), "Missing argument"),
        (("export", "data"), "Missing option '--to'"),
        (("export", "model", "bcg"), "Missing argument 'FOLDER'"),
        (("export", "model", "bcg", "out", "--merged", "--gguf", "f16"), "not both"),
        (("results", "--worst", "x"), "No such option"),
    ],
)
def test_misuse_is_exit_code_2(charter: Charter, arguments: tuple[str, ...], message: str) -> None:
    done = charter(*arguments)
    assert done.code == 2
    assert message in done.err
