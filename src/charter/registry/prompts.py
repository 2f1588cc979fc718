"""The prompts of this code in MLflow: each text once, and the hash of each folder of them."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.prompt.constants import IS_PROMPT_TAG_KEY

from charter.project.storage import directory_sha256, file_sha256

_SHA256 = "sha256"


def prompt_folders() -> dict[str, Path]:
    """Return the folders of prompts by the rooms of the code that use them."""
    with_prompts = sorted(Path(str(files("charter"))).glob("*/prompts"))
    return {folder.parent.name: folder for folder in with_prompts}


def prompt_hashes() -> dict[str, str]:
    """Return the SHA-256 of each folder of prompts, by tags such as ``sha256.prompts.synthesis``."""
    return {f"sha256.prompts.{room}": directory_sha256(path) for room, path in prompt_folders().items()}


def register_prompts(client: MlflowClient) -> list[dict[str, str]]:
    """Register the prompts that MLflow doesn't have yet, and return {name, version} of all of them.

    One is named ``charter.ROOM.NAME``. Its text has a version as long as its bytes are the same, whoever
    registers it.
    """
    known = {(version.name, version.tags.get(_SHA256)): version.version for version in _all_versions(client)}
    found = []
    for room, folder in prompt_folders().items():
        for path in sorted(folder.glob("*.jinja")):
            name, sha256 = f"charter.{room}.{path.stem}", file_sha256(path)
            number = known.get((name, sha256))
            if number is None:
                text = path.read_text(encoding="utf-8")
                number = client.register_prompt(name, text, tags={_SHA256: sha256}).version
            found.append({"name": name, "version": str(number)})
    return found


def _all_versions(client: MlflowClient) -> Iterator[ModelVersion]:
    condition = f"tags.`{IS_PROMPT_TAG_KEY}` = 'true'"
    page = client.search_model_versions(condition)
    yield from page
    while page.token:
        page = client.search_model_versions(condition, page_token=page.token)
        yield from page
