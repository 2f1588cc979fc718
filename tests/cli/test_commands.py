"""The command line: what it prints, and how it fails."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def charter(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from charter.cli import main; main()", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_help_names_every_command() -> None:
    shown = charter("--help").stdout
    commands = (
        "stage",
        "results",
        "answers",
        "add",
        "profile",
        "params",
        "diff",
        "export",
        "estimate",
        "publish",
        "ui",
        "promote",
        "rollback",
    )
    for command in commands:
        assert command in shown


def test_params_are_found_from_a_folder_below() -> None:
    done = charter("params", folder=ROOT / "src/charter")
    assert done.returncode == 0
    assert "params.yaml is valid" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("stage", "train"), "no stage 'train'; there are base-models"),
        (("stage", "sft"), "stage sft takes a corpus"),
        (("stage", "report", "udhr"), "stage report takes no corpus"),
        (("stage", "sft", "nowhere"), "no corpus 'nowhere' in params.yaml; there are udhr, bcg"),
        (("promote", "nowhere"), "no corpus 'nowhere'"),
        (("profile", "huge"), "no profile 'huge'; there are paper, smoke"),
        (("results", "nowhere"), "no corpus 'nowhere'"),
        (("answers", "nowhere"), "no corpus 'nowhere'"),
        (("diff", "nowhere"), "no corpus 'nowhere'"),
        (("export", "nowhere", "--to", "out"), "no corpus 'nowhere'"),
    ],
)
def test_mistakes_are_one_message_and_exit_code_1(arguments: tuple[str, ...], message: str) -> None:
    done = charter(*arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("charter: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_outside_a_project_it_says_so(tmp_path: Path) -> None:
    done = charter("params", folder=tmp_path)
    assert done.returncode == 1
    assert "run charter in the project's folder" in done.stderr
