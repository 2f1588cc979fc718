"""The workflow for GitHub: what it calls exists, what it takes is pinned, and a gate that fails is seen."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import test_docs as pages
import yaml

ROOT = Path(__file__).parent.parent.parent
WORKFLOW = ROOT / ".github/workflows/charter.yml"
TEXT = WORKFLOW.read_text(encoding="utf-8")
JOBS: dict[str, Any] = yaml.safe_load(TEXT)["jobs"]
STEPS = [step for job in JOBS.values() for step in job["steps"]]


def calls(tool: str) -> list[list[str]]:
    """The words behind a tool's name in each line that calls it."""
    lines = [line.strip() for step in STEPS for line in step.get("run", "").splitlines()]
    found = [re.match(rf"(?:\S*/)?{tool} ([^|;&>]+)", line) for line in lines]
    return [match[1].split() for match in found if match]


@pytest.mark.parametrize("words", calls("charter"), ids=str)
def test_commands_exist(words: list[str]) -> None:
    pages.test_commands_exist(WORKFLOW.name, words)


@pytest.mark.parametrize("words", calls("make"), ids=str)
def test_make_targets_and_profiles_exist(words: list[str]) -> None:
    pages.test_make_targets_exist(WORKFLOW.name, words)
    for word in words:
        if word.startswith("PROFILE="):
            assert (ROOT / "profiles" / f"{word.removeprefix('PROFILE=')}.yaml").exists()


def test_what_it_must_call_is_called() -> None:
    assert [words[0] for words in calls("make")] == ["install", "check", "repro", "install"]
    assert [words[0] for words in calls("charter")] == ["publish", "promote"]
    assert [words[0] for words in calls("dvc")] == ["pull"]
    [script, *_] = calls("python")[0]
    assert (ROOT / script).exists()


def test_every_action_is_pinned_by_commit_and_names_its_version() -> None:
    lines = [line.strip() for line in TEXT.splitlines() if "uses:" in line]
    assert len(lines) == sum("uses" in step for step in STEPS) > 0
    for line in lines:
        assert re.fullmatch(r"(?:- )?uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)


def test_no_text_of_others_becomes_part_of_a_script() -> None:
    assert not [step["run"] for step in STEPS if "${{" in step.get("run", "")]


def test_each_job_may_do_what_it_needs_and_ends() -> None:
    assert yaml.safe_load(TEXT)["permissions"] == {}
    assert {name: job["permissions"] for name, job in JOBS.items()} == {
        "check": {"contents": "read"},
        "comment": {"pull-requests": "write"},
        "promote": {"contents": "read"},
    }
    assert all(job["timeout-minutes"] > 0 for job in JOBS.values())
    for step in STEPS:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_secrets_are_for_the_protected_environment_alone() -> None:
    assert [name for name, job in JOBS.items() if "secrets." in yaml.safe_dump(job)] == ["promote"]
    assert JOBS["promote"]["environment"] == "promotion"


def run_step(name: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the script of a promotion's step as GitHub does, in a folder."""
    [script] = [step["run"] for step in JOBS["promote"]["steps"] if step.get("name") == name]
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("status", [0, 1])
def test_gates_are_in_the_summary_and_decide_the_job(tmp_path: Path, status: int) -> None:
    charter = tmp_path / ".venv/bin/charter"
    charter.parent.mkdir(parents=True)
    charter.write_text(f'#!/bin/sh\necho "$@"\n[ "$1" = publish ] || exit {status}\n', encoding="utf-8")
    charter.chmod(0o755)
    (charter.parent / "activate").write_text(f'PATH="{charter.parent}:$PATH"\n', encoding="utf-8")
    summary = tmp_path / "summary.md"
    names = {"CORPUS": "it's; exit 0", "SYSTEM": "sft"}
    files = {"RUNNER_TEMP": str(tmp_path), "GITHUB_STEP_SUMMARY": str(summary)}
    done = run_step("Publish, judge, promote", tmp_path, names | files)
    assert done.returncode == status
    gates = "promote it's; exit 0 --system sft\n"
    assert done.stdout == f"publish it's; exit 0\n{gates}"
    assert summary.read_text(encoding="utf-8").endswith(f"```\n{gates}```\n")


@pytest.mark.parametrize("status", [0, 3])
def test_how_dvc_reads_the_remote_is_not_left_behind(tmp_path: Path, status: int) -> None:
    dvc = tmp_path / ".venv/bin/dvc"
    dvc.parent.mkdir(parents=True)
    dvc.write_text(f"#!/bin/sh\ncat .dvc/config.local\nexit {status}\n", encoding="utf-8")
    dvc.chmod(0o755)
    config = tmp_path / ".dvc/config.local"
    config.parent.mkdir()
    done = run_step("Data and models", tmp_path, {"DVC_CONFIG": "password = x"})
    assert (done.returncode, done.stdout) == (status, "password = x\n")
    assert not config.exists()


@pytest.mark.parametrize(("uri", "status"), [("", 1), ("https://mlflow.example", 0)])
def test_nothing_is_promoted_without_a_server(tmp_path: Path, uri: str, status: int) -> None:
    assert (
        run_step("Is there a tracking server?", tmp_path, {"MLFLOW_TRACKING_URI": uri}).returncode == status
    )
