"""Publishing from the command line: MLflow may be down, and files may be of several states."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from mlflow import MlflowClient

from charter.project.metric_names import SYSTEMS
from charter.project.paths import CorpusPaths
from charter.project.storage import read_json
from local_server import serving
from synthetic_project import make_project

pytest_plugins = ["mlflow_store"]

QUICK = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "1", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}


def charter(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None, code: str = ""
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", f"{code}\nfrom charter.cli import main; main()", *arguments]
    variables = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    return subprocess.run(
        command,
        cwd=folder,
        env=variables | dict(environment or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


STAGE = """
import charter.stages.evaluate as stage
from charter.project.storage import read_json
stage.run = lambda params, paths: read_json(paths.metrics("evaluate"))  # what takes hours
"""


class Server(BaseHTTPRequestHandler):
    """A tracking server that answers each request with its class's status, or never."""

    status: int | None = None

    def _answer(self) -> None:
        if self.status is None:
            time.sleep(5)
            return
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Print nothing."""


class Refusing(Server):
    status = 403


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


@pytest.fixture(params=["closed", "silent", "refusing"])
def broken_server(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "closed":
        yield f"http://user:secret@127.0.0.1:{closed_port()}"
        return
    handler = Server if request.param == "silent" else Refusing
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as server:
        yield f"http://user:secret@127.0.0.1:{server.server_port}"


def test_a_stage_ends_well_without_mlflow(project_root: Path, broken_server: str) -> None:
    make_project(project_root, ("udhr",))
    metrics = CorpusPaths(project_root, "udhr").metrics("evaluate")
    expected = read_json(metrics)
    environment = {"MLFLOW_TRACKING_URI": broken_server, **QUICK}
    done = charter(project_root, "stage", "evaluate", "udhr", environment=environment, code=STAGE)
    assert done.returncode == 0, done.stderr
    assert read_json(metrics) == expected
    shown = broken_server.replace("user:secret@", "")
    assert f"charter: warning: udhr is not published: MLflow at {shown}: " in done.stderr
    assert "`charter publish udhr` does it" in done.stderr
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr


def test_what_could_not_be_published_is_published_later(
    project_root: Path, mlflow_client: MlflowClient
) -> None:
    make_project(project_root, ("udhr",))
    environment = {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{closed_port()}", **QUICK}
    failed = charter(project_root, "publish", environment=environment)
    assert failed.returncode == 1
    assert "udhr is not published" in failed.stderr
    later = charter(project_root, "publish")
    assert (later.returncode, later.stdout) == (0, "")
    assert "charter-udhr version 1" in later.stderr
    assert mlflow_client.get_model_version_by_alias("charter-udhr", "candidate")


@contextmanager
def tracking_server(root: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """MLflow's own server over the project's store: its process, and what makes it the one to publish to."""
    port = closed_port()
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{root}/mlflow.db"]
    command += ["--artifacts-destination", str(root / "artifacts")]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, start_new_session=True, **quiet)  # its workers end with it
    try:
        deadline = time.monotonic() + 300
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert server.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.2)
        uri = f"http://127.0.0.1:{port}"
        yield server.pid, {"MLFLOW_TRACKING_URI": uri, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


DIE = """
import os, signal
from charter.registry import runs
log, logged = runs._log, []
def log_and_kill(*arguments):
    log(*arguments)
    logged.append(1)
    if len(logged) == 2:
        os.killpg(SERVER, signal.SIGKILL)
runs._log = log_and_kill
"""


def test_a_server_that_dies_while_a_state_is_written_fails_no_stage(
    project_root: Path, mlflow_client: MlflowClient
) -> None:
    """What it had of the state is thrown away when it is published again."""
    make_project(project_root, ("udhr",))

    def statuses() -> list[str]:
        experiment = mlflow_client.get_experiment_by_name("charter/udhr")
        assert experiment is not None
        return [run.info.status for run in mlflow_client.search_runs([experiment.experiment_id])]

    with tracking_server(project_root) as (process, environment):
        code = STAGE + DIE.replace("SERVER", str(process))
        done = charter(project_root, "stage", "evaluate", "udhr", environment=environment, code=code)
    assert done.returncode == 0, done.stderr
    assert "udhr is not published: MLflow at http://127.0.0.1" in done.stderr
    assert statuses() == ["RUNNING", "RUNNING"]
    with tracking_server(project_root) as (_, environment):
        later = charter(project_root, "publish", environment=environment)
    assert later.returncode == 0, later.stderr
    assert statuses() == ["FINISHED"] * (len(SYSTEMS) + 1)


def edit_params(root: Path) -> None:
    """Change a parameter of udhr's since dvc.lock recorded it."""
    recorded = {"dpo@udhr": {"params": {"params.yaml": {"dpo.beta": 0.5}}}}
    (root / "dvc.lock").write_text(yaml.safe_dump({"stages": recorded}))


def test_a_corpus_that_is_out_of_date_holds_no_other_up(
    project_root: Path, mlflow_client: MlflowClient
) -> None:
    make_project(project_root, ("udhr", "bcg"))
    edit_params(project_root)
    done = charter(project_root, "publish")
    assert done.returncode == 1
    assert "warning: udhr is not published: params.yaml: dpo.beta has changed since dpo ran" in done.stderr
    assert "MLflow charter/bcg: run" in done.stderr
    assert mlflow_client.get_experiment_by_name("charter/udhr") is None
    assert mlflow_client.get_experiment_by_name("charter/bcg") is not None


def test_the_ui_opens_with_edited_parameters(project_root: Path) -> None:
    make_project(project_root, ("udhr",))
    edit_params(project_root)
    code = "import json, os; os.execv = lambda path, command: print(json.dumps(command))"
    done = charter(project_root, "ui", "--port", "5055", code=code)
    assert done.returncode == 0, done.stderr
    assert "udhr is not published: params.yaml: dpo.beta has changed" in done.stderr
    command = json.loads(done.stdout.splitlines()[-1])
    assert command[command.index("--backend-store-uri") + 1] == f"sqlite:///{project_root}/mlflow.db"
