"""Fixtures for tests that publish to MLflow; used through ``pytest_plugins``."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from charter.registry import store
from charter.registry.prompts import register_prompts
from charter.registry.traces import SWITCH


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An mlflow.db with its tables and the code's prompts, which take MLflow seconds to make."""
    folder = tmp_path_factory.mktemp("store")
    mlflow_client = MlflowClient(tracking_uri=store.tracking_uri(folder))
    mlflow_client.search_experiments()
    mlflow_client.search_registered_models()
    register_prompts(mlflow_client)
    return folder / "mlflow.db"


@pytest.fixture
def project_root(tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    return tmp_path


@pytest.fixture
def mlflow_client(project_root: Path) -> MlflowClient:
    return MlflowClient(tracking_uri=f"sqlite:///{project_root}/mlflow.db")


@pytest.fixture
def tracing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Switch traces on; they go to the store of the process, which is nobody's any more at the end."""
    monkeypatch.setenv(SWITCH, "1")
    yield
    mlflow.set_tracking_uri(None)  # type: ignore[arg-type]  it is how one is taken back
