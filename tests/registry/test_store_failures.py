"""What a server that refuses, fails or isn't there makes Charter say; none is taken for another."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from charter.project.errors import CharterError
from charter.registry import versions
from charter.registry.decisions import Decision
from charter.registry.promotion import promote
from charter.registry.publishing import publish
from charter.registry.store import open_store
from local_server import Answer, OneAnswerServer, free_port, serving
from synthetic_project import make_project

pytest_plugins = ["mlflow_store"]


@pytest.fixture
def server() -> Iterator[OneAnswerServer]:
    with serving(OneAnswerServer()) as running:
        yield running


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Ask a server for a model, as ann with a password, and return the error."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ann")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "secret")

    def ask(uri: str) -> str:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        with pytest.raises(CharterError) as caught, open_store(tmp_path) as client:
            client.get_registered_model("charter-udhr")
        return str(caught.value)

    return ask


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            (401, "You are not authenticated."),
            "it doesn't let ann in; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD to those",
        ),
        ((403, "Permission denied"), "ann has no right to do this; whoever runs it can give it"),
        ((403, '{"error_code": "PERMISSION_DENIED", "message": "no"}'), "ann has no right to do this"),
        (
            (403, "Invalid Host header - possible DNS rebinding attack detected"),
            "adds the name to --allowed-hosts",
        ),
        ((503, "no"), "it fails again and again; its own log says why"),
        ((400, '{"error_code": "BAD_REQUEST", "message": "one\\ntwo"}'), "BAD_REQUEST: one"),
        (None, "no answer in time; look at the server"),
    ],
    ids=str,
)
def test_each_refusal_says_what_to_do(
    server: OneAnswerServer, told: Callable[[str], str], answer: Answer | None, expected: str
) -> None:
    server.answer = answer
    message = told(f"http://127.0.0.1:{server.server_port}")
    assert message.startswith(f"MLflow at http://127.0.0.1:{server.server_port}: ")
    assert expected in message
    assert "\n" not in message


@pytest.mark.parametrize("host", ["127.0.0.1", "nobody.invalid"])
def test_a_server_that_is_not_there_names_the_variable_and_no_password(
    told: Callable[[str], str], host: str
) -> None:
    port = free_port()
    expected = "it can't be reached; is it running, and is MLFLOW_TRACKING_URI its address?"
    assert told(f"http://ann:secret@{host}:{port}") == f"MLflow at http://{host}:{port}: {expected}"


def test_a_certificate_that_is_not_trusted_names_the_variable_for_it(tmp_path: Path) -> None:
    error = MlflowException("API request failed")
    error.__cause__ = requests.exceptions.SSLError("certificate verify failed: self-signed certificate")
    with (
        pytest.raises(CharterError, match="isn't trusted; set MLFLOW_TRACKING_SERVER_CERT_PATH"),
        open_store(tmp_path),
    ):
        raise error


@pytest.fixture
def failing_downloads(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let a store that has all files give none: as a server does that is shut down meanwhile."""

    def fail(*_: object, **__: object) -> None:
        raise MlflowException("The following failures occurred while downloading one or more artifacts")

    def list_nothing(*_: object, **__: object) -> None:
        raise requests.ConnectionError("connection refused")

    def begin() -> None:
        monkeypatch.setattr(versions.mlflow.artifacts, "download_artifacts", fail)
        monkeypatch.setattr(versions.mlflow.artifacts, "list_artifacts", list_nothing)

    return begin


def test_a_record_that_a_server_does_not_give_is_not_taken_for_a_missing_one(
    project_root: Path, mlflow_client: MlflowClient, failing_downloads: Callable[[], None]
) -> None:
    params = make_project(project_root, ("udhr",))
    publish(project_root, params, "udhr")
    failing_downloads()
    with pytest.raises(CharterError, match="it can't be reached"):
        publish(project_root, params, "udhr")
    with pytest.raises(CharterError, match="it can't be reached"):
        promote(project_root, "udhr", (), reason="it is needed")
    (version,) = mlflow_client.search_model_versions("name = 'charter-udhr'")
    assert not [tag for tag in version.tags if tag.startswith("decision.")]


def test_a_file_that_is_listed_but_not_given_keeps_its_error(
    mlflow_client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"{tmp_path.as_uri()}/given"
    with pytest.raises(FileNotFoundError, match="given isn't there"):
        versions.download(mlflow_client, uri, str(tmp_path / "arrived"))
    (tmp_path / "given").write_text("text")
    assert versions.download(mlflow_client, uri, str(tmp_path / "arrived")).read_text() == "text"

    def fail(*_: object, **__: object) -> None:
        raise MlflowException("disk full")

    monkeypatch.setattr(versions.mlflow.artifacts, "download_artifacts", fail)
    with pytest.raises(MlflowException, match="disk full"):
        versions.download(mlflow_client, uri, str(tmp_path / "arrived"))


def test_who_decides_is_whom_the_server_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ann")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_USERNAME", raising=False)

    def who() -> str:
        return Decision(model="charter-udhr", version=1, action="promoted", previous=None).who

    assert who() == "ann"
    (tmp_path / ".mlflow").mkdir()
    (tmp_path / ".mlflow/credentials").write_text("[mlflow]\nmlflow_tracking_username = carol\n")
    assert who() == "carol"
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "bob")
    assert who() == "bob"
