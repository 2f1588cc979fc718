"""Models of the hub, from a hub on loopback: what comes, and that it is the same twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import snapshot_download

from charter.project.errors import CharterError
from charter.project.hub_models import fetch_hub_model
from charter.project.storage import directory_sha256
from hub_server import COMMIT, HubServer, serving_hub

LOADED = {
    "config.json": b"{}",
    "tokenizer.json": b"[]",
    "tokenizer.model": b"sentencepiece",
    "chat_template.jinja": b"{{ messages }}",
    "model-00001-of-00002.safetensors": b"first",
    "model-00002-of-00002.safetensors": b"second",
    "model.safetensors.index.json": b'{"weight_map": {}}',
    "1_Pooling/config.json": b'{"mean": true}',
    "2_Dense/model.safetensors": b"dense",
}
LEFT = {
    "README.md": b"# A card",
    "pytorch_model.bin": b"pickled",
    "consolidated.safetensors": b"all of it again",
    "onnx/config.json": b'{"onnx": true}',
    "model-Q4_1.gguf": b"quantised",
    "modeling_acme.py": b"raise SystemExit",
}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubServer]:
    with serving_hub(LOADED | LEFT, tmp_path / "cache") as server:
        yield server


def files(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.mark.parametrize("revision", [COMMIT, "v1.0"])
def test_what_transformers_loads_comes_and_nothing_else(
    hub: HubServer, tmp_path: Path, revision: str
) -> None:
    fetch_hub_model(f"acme/model@{revision}", tmp_path / "seed")
    assert files(tmp_path / "seed") == LOADED
    assert sorted(hub.sent) == sorted(LOADED)
    assert not any(path.is_symlink() for path in (tmp_path / "seed").rglob("*"))


def test_a_model_is_the_same_twice(tmp_path: Path) -> None:
    hashes = set()
    for clone in ("one", "two"):
        with serving_hub(LOADED | LEFT, tmp_path / clone / "cache"):
            fetch_hub_model(f"acme/model@{COMMIT}", tmp_path / clone / "seed")
        hashes.add(directory_sha256(tmp_path / clone / "seed"))
    assert len(hashes) == 1


def test_what_else_the_cache_holds_stays_there(hub: HubServer, tmp_path: Path) -> None:
    snapshot_download("acme/model", revision=COMMIT)
    sent = len(hub.sent)
    fetch_hub_model(f"acme/model@{COMMIT}", tmp_path / "seed")
    assert files(tmp_path / "seed") == LOADED
    assert len(hub.sent) == sent


def test_a_model_without_safetensors_is_refused(hub: HubServer, tmp_path: Path) -> None:
    hub.files = {name: content for name, content in hub.files.items() if "safetensors" not in name}
    with pytest.raises(CharterError, match=r"acme/model@\w+ has no safetensors.*data/pinned/models\.yaml"):
        fetch_hub_model(f"acme/model@{COMMIT}", tmp_path / "seed")
    assert not (tmp_path / "seed").exists()


@pytest.mark.usefixtures("hub")
def test_a_model_that_the_hub_has_not_is_named(tmp_path: Path) -> None:
    with pytest.raises(CharterError, match="acme/other@v2: the Hugging Face hub doesn't give it"):
        fetch_hub_model("acme/other@v2", tmp_path / "seed")
