"""Clones of this repository in which a test runs commands, as a user does."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., str]


def make_runner(folder: Path, **variables: str) -> Run:
    """Return a function that runs a command in a clone, with the clone's own code and these variables."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(folder / "src"),
        "DVC_NO_ANALYTICS": "1",
        **variables,
    }
    environment.pop("MLFLOW_TRACKING_URI", None)

    def run(*command: str, fails: bool = False) -> str:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        output = done.stdout + done.stderr
        assert (done.returncode != 0) == fails, f"{' '.join(command)}:\n{output[-6000:]}"
        return done.stdout if not fails else output

    return run


def clone(source: Path, target: Path, **variables: str) -> Run:
    """Clone a repository, and return what runs commands in the clone."""
    subprocess.run(["git", "clone", "--quiet", str(source), str(target)], check=True)
    run = make_runner(target, **variables)
    run("git", "config", "user.name", "Charter's tests")
    run("git", "config", "user.email", "tests@example.invalid")
    return run
