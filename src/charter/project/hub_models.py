"""A model of the Hugging Face hub as a folder: the files that transformers loads it from, and no others."""

import shutil
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.utils import filter_repo_objects  # type: ignore[attr-defined]

from charter.project.errors import CharterError

LOADED = ["model*.safetensors", "*/model.safetensors", "*.json", "*.jinja", "*.txt", "*.model"]
"""Weights, configuration, tokenizer and chat template, also of the modules of a sentence encoder."""

OTHER_FORMS = ["onnx/*", "openvino/*", "original/*"]
"""Folders with the same model for other libraries."""


def fetch_hub_model(source: str, folder: Path) -> None:
    """Put a model, ``owner/name@revision``, into a folder; the hub's own cache keeps it for the next time.

    Raises:
        CharterError: It can't be had, or has no safetensors.
    """
    repository, _, revision = source.partition("@")
    patterns: dict[str, Any] = {"allow_patterns": LOADED, "ignore_patterns": OTHER_FORMS}
    try:
        cached = snapshot_download(repository, revision=revision, **patterns)
    except OSError as error:
        raise CharterError(f"{source}: the Hugging Face hub doesn't give it: {error}") from error
    # The cache may hold more of the repository, from other downloads.
    present = [path.relative_to(cached).as_posix() for path in Path(cached).rglob("*") if path.is_file()]
    names = list(filter_repo_objects(present, **patterns))
    if not any(name.endswith(".safetensors") for name in names):
        raise CharterError(
            f"{source} has no safetensors. A GGUF file can be pinned in data/pinned/models.yaml and named in "
            "params.yaml as an artifact."
        )
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(cached, name), target)
