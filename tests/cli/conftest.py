"""The command line in this process."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from charter.cli import main

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Done:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str


Charter = Callable[..., Done]


@pytest.fixture
def charter(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Charter:
    """Run ``charter ARGUMENTS...`` in a folder, this project's by default."""

    def run(*arguments: str, folder: Path = ROOT) -> Done:
        monkeypatch.chdir(folder)
        monkeypatch.setenv("COLUMNS", "400")
        monkeypatch.setattr(sys, "argv", ["charter", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Done(ended.value.code, printed.out, printed.err)

    return run


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the committed parameters and profiles."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    return tmp_path
