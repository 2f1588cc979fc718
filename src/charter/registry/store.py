"""The store: ``mlflow.db`` and ``mlartifacts`` in the project's home; MLFLOW_TRACKING_URI overrides it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock, Timeout
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from charter.project.errors import CharterError
from charter.project.home import find_home
from charter.project.paths import download_cache
from charter.project.records import content_id
from charter.registry.failures import store_failure, without_passwords

_LOCK_SECONDS = 60


def tracking_uri(root: Path) -> str:
    """Return the store of the project at ``root``, by an absolute path wherever one is called from."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{find_home(root)}/mlflow.db"


@contextmanager
def open_store(root: Path) -> Iterator[MlflowClient]:
    """Give a client of the project's store.

    Raises:
        CharterError: What the block asked of the store failed: it can't be reached, or it refused.
    """
    uri = tracking_uri(root)
    try:
        yield MlflowClient(tracking_uri=uri)
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise store_failure(uri, error) from error


@contextmanager
def one_at_a_time(root: Path) -> Iterator[None]:
    """Keep other processes of this machine from moving a champion of the same store during the block.

    Those of other machines are kept off by `charter.registry.claims`.

    Raises:
        CharterError: One of them has been at it for a minute.
    """
    uri = tracking_uri(root)
    if uri.startswith("sqlite:///"):
        path = Path(f"{uri.removeprefix('sqlite:///')}.lock")
    else:
        path = download_cache() / f"mlflow-{content_id(uri)}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(path).acquire(timeout=_LOCK_SECONDS)
    except Timeout as error:
        raise CharterError(f"{path}: another promotion or rollback holds it; try again later") from error
    with lock:
        yield


def ui_command(root: Path, port: int) -> list[str]:
    """Return the command that serves MLflow's UI over the project's store, on this machine only.

    Raises:
        CharterError: The store is a server, which has a UI of its own.
    """
    uri = tracking_uri(root)
    if is_server(uri):
        raise CharterError(
            f"MLFLOW_TRACKING_URI is the server {without_passwords(uri)}: open that address in a browser"
        )
    store = ["--backend-store-uri", uri, "--default-artifact-root", _artifact_root(root).as_uri()]
    serving = ["--no-serve-artifacts", "--workers", "1", "--host", "127.0.0.1", "--port", str(port)]
    return [sys.executable, "-m", "mlflow", "server", *store, *serving]


def artifact_location(root: Path, corpus: str) -> str | None:
    """Return where the artifacts of a corpus lie; None leaves that to a server."""
    return None if is_server(tracking_uri(root)) else (_artifact_root(root) / corpus).as_uri()


def _artifact_root(root: Path) -> Path:
    return find_home(root) / "mlartifacts"


def is_server(uri: str) -> bool:
    """Say whether a store is a tracking server."""
    return urlsplit(uri).scheme in {"http", "https"}
