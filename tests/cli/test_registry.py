"""Publishing and the UI: MLflow may be down, and files may be of several states."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlflow import MlflowClient

from charter.project.metric_names import SYSTEMS
from charter.project.paths import CorpusPaths
from charter.project.storage import read_json
from charter.registry import runs
from charter.stages import evaluate
from local_server import OneAnswerServer, free_port, serving
from params_text import set_value
from synthetic_project import make_project

pytest_plugins = ["mlflow_store"]

Charter = Callable[..., Any]


@pytest.fixture(params=["closed", "silent", "refusing"])
def broken_server(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "closed":
        yield f"127.0.0.1:{free_port()}"
        return
    with serving(OneAnswerServer(None if request.param == "silent" else (403, ""))) as server:
        yield f"127.0.0.1:{server.server_port}"


@pytest.fixture
def evaluated(project_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one evaluated corpus, in which evaluate, which takes hours, finds what is there."""
    make_project(project_root, ("udhr",))
    monkeypatch.setattr(evaluate, "run", lambda _, paths: read_json(paths.metrics("evaluate")))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return project_root


def test_a_stage_ends_well_without_mlflow(
    evaluated: Path, broken_server: str, charter: Charter, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = CorpusPaths(evaluated, "udhr").metrics("evaluate")
    expected = read_json(metrics)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://user:secret@{broken_server}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    done = charter("stage", "evaluate", "udhr", folder=evaluated)
    assert done.code == 0
    assert read_json(metrics) == expected
    assert f"charter: warning: udhr is not published: MLflow at http://{broken_server}: " in done.err
    assert "`charter publish udhr` does it" in done.err
    assert "secret" not in done.err


def test_what_could_not_be_published_is_published_later(
    evaluated: Path, mlflow_client: MlflowClient, charter: Charter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    failed = charter("publish", folder=evaluated)
    assert failed.code == 1
    assert "udhr is not published" in failed.err
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    later = charter("publish", folder=evaluated)
    assert (later.code, later.out) == (0, "")
    assert "charter-udhr version 1" in later.err
    assert mlflow_client.get_model_version_by_alias("charter-udhr", "candidate")


@contextmanager
def tracking_server(root: Path, port: int) -> Iterator[int]:
    """MLflow's own server over the project's store; gives its process."""
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{root}/mlflow.db"]
    command += ["--no-serve-artifacts", "--default-artifact-root", (root / "mlartifacts").as_uri()]
    log = (root / "server.log").open("w")
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    server = subprocess.Popen(command, env=environment, start_new_session=True, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 300
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert server.poll() is None, (root / "server.log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.2)
        yield server.pid
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        log.close()


def test_a_server_that_dies_while_a_state_is_written_fails_no_stage(
    evaluated: Path, mlflow_client: MlflowClient, charter: Charter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it had of the state is thrown away when it is published again."""
    port, log, logged = free_port(), runs.log, []
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")

    def statuses() -> list[str]:
        experiment = mlflow_client.get_experiment_by_name("charter/udhr")
        assert experiment is not None
        return [run.info.status for run in mlflow_client.search_runs([experiment.experiment_id])]

    with tracking_server(evaluated, port) as process:

        def log_and_kill(*arguments: Any) -> None:
            log(*arguments)
            logged.append(arguments)
            if len(logged) == 2:
                os.killpg(process, signal.SIGKILL)

        monkeypatch.setattr(runs, "log", log_and_kill)
        done = charter("stage", "evaluate", "udhr", folder=evaluated)
    assert done.code == 0
    assert f"udhr is not published: MLflow at http://127.0.0.1:{port}: " in done.err
    assert statuses() == ["RUNNING", "RUNNING"]
    monkeypatch.setattr(runs, "log", log)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert charter("publish", folder=evaluated).code == 0
    assert statuses() == ["FINISHED"] * (len(SYSTEMS) + 1)


def change_parameter(root: Path) -> None:
    """Let dpo@udhr have been run with another parameter than params.yaml has."""
    recorded = {"dpo@udhr": {"params": {"params.yaml": {"dpo.beta": 0.5}}}}
    (root / "dvc.lock").write_text(yaml.safe_dump({"stages": recorded}))


def test_a_corpus_that_is_out_of_date_holds_no_other_up(
    project_root: Path, mlflow_client: MlflowClient, charter: Charter
) -> None:
    make_project(project_root, ("udhr", "bcg"))
    change_parameter(project_root)
    done = charter("publish", folder=project_root)
    assert done.code == 1
    assert "warning: udhr is not published: params.yaml: dpo.beta has changed since dpo ran" in done.err
    assert "MLflow charter/bcg: run" in done.err
    assert mlflow_client.get_experiment_by_name("charter/udhr") is None
    assert mlflow_client.get_experiment_by_name("charter/bcg") is not None


def test_the_ui_opens_with_edited_parameters(
    evaluated: Path, charter: Charter, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_parameter(evaluated)
    opened: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _, command: opened.append(command))
    done = charter("ui", "--port", "5055", folder=evaluated)
    assert "udhr is not published: params.yaml: dpo.beta has changed" in done.err
    (command,) = opened
    assert command[command.index("--backend-store-uri") + 1] == f"sqlite:///{evaluated}/mlflow.db"


def test_a_model_is_promoted_by_its_conditions_or_by_force_with_a_reason(
    evaluated: Path, charter: Charter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ann")
    params = evaluated / "params.yaml"
    gate = {"metric": "bleu", "against": "none", "minimum": 30.0}
    params.write_text(set_value(params.read_text(), ("gates",), [gate]))
    charter("publish", folder=evaluated)
    for arguments in (("--force",), ("--force", "--reason", " "), ("--reason", "x")):
        misuse = charter("promote", "udhr", *arguments, folder=evaluated)
        assert (misuse.code, "--reason" in misuse.err) == (2, True)
    dry = charter("promote", "udhr", "--dry-run", folder=evaluated)
    assert dry.code == 1
    assert dry.out.splitlines() == [
        "pass bleu of dpo: 36.9, 95 % interval 36.4 to 37.4, whose lower end reaches 30",
        "FAIL code: it was registered outside of a git repository",
        "FAIL data: its run has no dvc.lock that says what it was made from",
        "pass bytes: the adapter is the one that was evaluated",
    ]
    assert dry.err == "charter: charter-udhr version 1 would not be promoted: 2 of 4 conditions don't hold\n"
    assert charter("history", "udhr", "--json", folder=evaluated).out == "[]\n"

    forced = charter("promote", "udhr", "--force", "--reason", "a [demo] for Monday", folder=evaluated)
    assert (forced.code, forced.out.splitlines()[:4]) == (0, dry.out.splitlines())
    told = "charter-udhr version 1 is champion by force: 2 of 4 conditions don't hold"
    assert forced.out.splitlines()[4] == told
    (decision,) = json.loads(charter("history", "udhr", "--json", folder=evaluated).out)
    assert (decision["action"], decision["who"]) == ("forced", "ann")
    table = charter("history", "udhr", folder=evaluated).out
    assert "a [demo] for Monday" in table
    assert "code: it was registered outside of a git repository" in table
