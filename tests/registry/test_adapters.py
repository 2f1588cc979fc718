"""The adapter behind an alias: found, fetched, and refused where it isn't what was registered."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from charter.project.errors import CharterError
from charter.project.storage import directory_sha256, write_text
from charter.registry import adapters
from charter.registry.adapters import fetch_adapter, fetch_card, find_adapter

pytest_plugins = ["mlflow_store"]

MODEL = "charter-bcg.sft"


@pytest.fixture
def registered(project_root: Path, mlflow_client: MlflowClient) -> Path:
    """A registered adapter's folder; version 1 of MODEL is its champion, version 2 has no tags."""
    folder = project_root / "registered/adapter"
    write_text(folder / "adapter_config.json", "{}")
    write_text(folder / "adapter_model.safetensors", "weights")
    tags = {"sha256.adapter": directory_sha256(folder), "sha256.seed": "5" * 64}
    mlflow_client.create_registered_model(MODEL)
    mlflow_client.create_model_version(MODEL, folder.parent.as_uri(), tags=tags)
    mlflow_client.create_model_version(MODEL, folder.parent.as_uri())
    mlflow_client.set_registered_model_alias(MODEL, "champion", "1")
    mlflow_client.set_registered_model_alias(MODEL, "untagged", "2")
    return folder


def test_an_adapter_is_fetched_once_and_checked_each_time(project_root: Path, registered: Path) -> None:
    version = find_adapter(project_root, "bcg", "sft", "champion")
    assert (version.model, version.number, version.seed_sha256) == (MODEL, 1, "5" * 64)
    folder = project_root / "served/1"
    fetch_adapter(project_root, version, folder)
    assert directory_sha256(folder) == version.adapter_sha256
    write_text(registered / "adapter_model.safetensors", "tampered")
    fetch_adapter(project_root, version, folder)
    write_text(folder / "adapter_model.safetensors", "tampered here")
    with pytest.raises(CharterError, match="not the one that was recorded; register the model again"):
        fetch_adapter(project_root, version, folder)
    write_text(registered / "adapter_model.safetensors", "weights")
    fetch_adapter(project_root, version, folder)
    assert directory_sha256(folder) == version.adapter_sha256
    assert [path.name for path in folder.parent.iterdir()] == ["1"]


@pytest.mark.usefixtures("registered")
def test_what_another_server_fetched_meanwhile_stays_as_it_may_be_loading_it(
    project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, folder = find_adapter(project_root, "bcg", "sft", "champion"), project_root / "served/1"
    download, theirs = adapters.download, []

    def overtaken(client: MlflowClient, uri: str, to: str) -> Path:
        arrived = download(client, uri, to)
        monkeypatch.setattr(adapters, "download", download)
        fetch_adapter(project_root, version, folder)
        theirs.append(folder.stat().st_ino)
        return arrived

    monkeypatch.setattr(adapters, "download", overtaken)
    fetch_adapter(project_root, version, folder)
    assert theirs == [folder.stat().st_ino]
    assert directory_sha256(folder) == version.adapter_sha256


@pytest.mark.parametrize(
    ("corpus", "alias", "says"),
    [
        ("udhr", "champion", "charter-udhr.sft has no champion; `charter publish`"),
        ("bcg", "candidate", "has no candidate"),
        ("bcg", "untagged", "version 2 has no hashes recorded with it"),
    ],
)
def test_what_isnt_there_is_said(
    project_root: Path, registered: Path, corpus: str, alias: str, says: str
) -> None:
    assert registered.is_dir()
    with pytest.raises(CharterError, match=says):
        find_adapter(project_root, corpus, "sft", alias)


def test_the_card_of_a_version_is_read_or_said_to_be_missing(project_root: Path, registered: Path) -> None:
    version = find_adapter(project_root, "bcg", "sft", "champion")
    with pytest.raises(CharterError, match="version 1 has no model card recorded with it"):
        fetch_card(project_root, version)
    write_text(registered.parent / "README.md", "# Mine\n")
    assert fetch_card(project_root, version) == "# Mine\n"
