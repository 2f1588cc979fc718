"""base-models, with models of a hub on loopback."""

from pathlib import Path

from charter.project.params import Params
from charter.project.paths import ProjectPaths
from charter.project.sections import BaseModels, ModelSource
from charter.project.storage import directory_sha256, read_json
from charter.stages import base_models
from hub_server import COMMIT, serving_hub

FILES = {"model.safetensors": b"weights", "config.json": b"{}"}


def test_models_of_the_hub_are_the_same_twice(params: Params, tmp_path: Path) -> None:
    source = ModelSource(hub=f"acme/model@{COMMIT}")
    hub = params.model_copy(
        update={"base_models": BaseModels(seed=source, teacher=ModelSource(served="large"), encoder=source)}
    )
    hashes = set()
    for clone in ("one", "two"):
        paths = ProjectPaths(tmp_path / clone)
        with serving_hub(
            {"model.safetensors": b"weights", "config.json": b"{}"}, tmp_path / f"{clone}-cache"
        ):
            base_models.run(hub, paths)
        assert read_json(paths.seed / "source.json") == {"hub": f"acme/model@{COMMIT}"}
        assert {path.name for path in paths.teacher.iterdir()} == {"source.json"}
        assert directory_sha256(paths.seed) == directory_sha256(paths.encoder)
        hashes.add(directory_sha256(paths.seed))
    assert len(hashes) == 1
