"""A queue of DVC's experiments: both share the journal, and both are in MLflow's store afterwards."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from mlflow import MlflowClient

from charter.project.paths import ProjectPaths
from local_server import serving
from scripted_teacher import ScriptedTeacher, make_project

pytest_plugins = ["mlflow_store"]

CHARTER = f"{sys.executable} -c 'from charter.cli import main; main()'"
RECORD = """
import os
from pathlib import Path
from charter.registry.store import artifact_location, open_store

with open_store(Path.cwd()) as client:
    place = artifact_location(Path.cwd(), "udhr")
    found = client.get_experiment_by_name("queue")
    number = found.experiment_id if found else client.create_experiment("queue", place)
    run = client.create_run(number, run_name=os.environ["DVC_EXP_NAME"])
    client.log_artifact(run.info.run_id, "params.yaml")
"""


@pytest.fixture
def teacher() -> Iterator[ScriptedTeacher]:
    with serving(ScriptedTeacher()) as server:
        yield server


def run(folder: Path, *command: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


@pytest.mark.models
def test_two_queued_experiments_share_the_journal_and_the_store(
    tmp_path: Path, teacher: ScriptedTeacher, base_models: ProjectPaths, empty_store: Path
) -> None:
    paths = make_project(tmp_path, teacher, base_models)
    stages = {
        "synthesize": {
            "cmd": f"{CHARTER} stage synthesize udhr",
            "params": ["synthesize"],
            "outs": ["data/synthetic/udhr"],
            "metrics": [{"data/metrics/udhr/synthesize.json": {"cache": False}}],
        },
        "record": {"cmd": f"{sys.executable} record.py", "deps": ["data/synthetic/udhr"], "outs": []},
    }
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    (tmp_path / "record.py").write_text(RECORD)
    (tmp_path / ".gitignore").write_text("/.charter/\n/mlflow.db\n/mlartifacts/\n/data/synthetic/\n")
    (tmp_path / "mlflow.db").write_bytes(empty_store.read_bytes())
    run(tmp_path, "git", "init", "--quiet")
    run(tmp_path, "dvc", "init", "--quiet")
    run(tmp_path, "git", "add", ".")
    run(tmp_path, "git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--message", "all")

    for share in (0.1, 0.3):
        run(tmp_path, "dvc", "exp", "run", "--queue", "--set-param", f"synthesize.validation_share={share}")
    run(tmp_path, "dvc", "exp", "run", "--run-all")

    assert len(set(teacher.asked)) == len(teacher.asked) > 60
    assert paths.journal == tmp_path / ".charter/journal.sqlite"
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")
    experiment = client.get_experiment_by_name("queue")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    assert len({item.info.run_name for item in runs}) == 2
    assert all(client.list_artifacts(item.info.run_id) for item in runs)
    assert len(list((tmp_path / "mlartifacts").rglob("params.yaml"))) == 2
