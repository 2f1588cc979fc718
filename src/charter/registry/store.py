"""The store: ``mlflow.db`` and ``mlartifacts`` in the project's home; MLFLOW_TRACKING_URI overrides it."""

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from mlflow import MlflowClient

from charter.project.errors import CharterError
from charter.project.home import find_home


def tracking_uri(root: Path) -> str:
    """Return the store of the project at ``root``, by an absolute path wherever one is called from."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{find_home(root)}/mlflow.db"


def open_client(root: Path) -> MlflowClient:
    """Return a client of the project's store."""
    return MlflowClient(tracking_uri=tracking_uri(root))


def ui_command(root: Path, port: int) -> list[str]:
    """Return the command that serves MLflow's UI over the project's store, on this machine only.

    Raises:
        CharterError: The store is a server, which has a UI of its own.
    """
    uri = tracking_uri(root)
    if _is_server(uri):
        raise CharterError(f"MLFLOW_TRACKING_URI is the server {uri}: open that address in a browser")
    store = ["--backend-store-uri", uri, "--default-artifact-root", _artifact_root(root).as_uri()]
    address = ["--host", "127.0.0.1", "--port", str(port)]
    return [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        *store,
        "--no-serve-artifacts",
        "--workers",
        "1",
        *address,
    ]


def artifact_location(root: Path, corpus: str) -> str | None:
    """Return where the artifacts of a corpus lie; None leaves that to a server."""
    return None if _is_server(tracking_uri(root)) else (_artifact_root(root) / corpus).as_uri()


def _artifact_root(root: Path) -> Path:
    return find_home(root) / "mlartifacts"


def _is_server(uri: str) -> bool:
    return urlsplit(uri).scheme in {"http", "https"}
