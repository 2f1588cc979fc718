"""base-models, with models of a hub on loopback."""

from pathlib import Path

from charter.project.model_sections import BaseModels, ModelSource
from charter.project.params import Params
from charter.project.paths import ProjectPaths
from charter.project.storage import directory_sha256, read_json
from charter.stages import base_models
from hub_server import COMMIT, serving_hub

FILES = {"model.safetensors": b"weights", "config.json": b"{}"}


def test_models_of_the_hub_are_the_same_twice(params: Params, tmp_path: Path) -> None:
    source = ModelSource(hub=f"acme/model@{COMMIT}")
    models = BaseModels(seed=source, teacher=source, encoder=source)
    hub = params.model_copy(update={"base_models": models})
    hashes = set()
    for clone in ("one", "two"):
        paths = ProjectPaths(tmp_path / clone)
        with serving_hub(
            {"model.safetensors": b"weights", "config.json": b"{}"}, tmp_path / f"{clone}-cache"
        ):
            base_models.run(hub, paths)
        assert read_json(paths.seed / "source.json") == {"hub": f"acme/model@{COMMIT}"}
        hashes |= {directory_sha256(folder) for folder in (paths.seed, paths.teacher, paths.encoder)}
    assert len(hashes) == 1
