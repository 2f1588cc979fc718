"""Fixtures for tests that publish to MLflow; used through ``pytest_plugins``."""

import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient

from charter.registry import store


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An mlflow.db with its tables, which take MLflow seconds to make."""
    folder = tmp_path_factory.mktemp("store")
    mlflow_client = MlflowClient(tracking_uri=store.tracking_uri(folder))
    mlflow_client.search_experiments()
    mlflow_client.search_registered_models()
    return folder / "mlflow.db"


@pytest.fixture
def project_root(tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    return tmp_path


@pytest.fixture
def mlflow_client(project_root: Path) -> MlflowClient:
    return MlflowClient(tracking_uri=f"sqlite:///{project_root}/mlflow.db")
