import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from charter.project.errors import CharterError
from charter.project.params import PARAMS_FILE, Params
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.storage import write_rows
from charter.retrieval.encoder import Encoder
from charter.retrieval.index import load_index
from charter.stages import rag_index
from rows import chunk_of
from synthetic_project import ROOT


@pytest.mark.models
def test_index_of_the_chunks_is_written(params: Params, base_models: ProjectPaths, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models/base").symlink_to(base_models.encoder.parent)
    paths = ProjectPaths(tmp_path).corpus("ours")
    texts = ["Gifts above EUR 50 are returned. Tell your manager.", "Helmets are worn on site."]
    write_rows(
        paths.chunks,
        (chunk_of(text, chunk_id=str(n)) for n, text in enumerate(texts)),
    )
    assert rag_index.run(params, paths) == {"chunks": 2, "units": 3, "dimensions": 384}
    index = load_index(paths.index, Encoder(paths.encoder, torch.device("cpu")), params.retrieval)
    assert [
        found[0].chunk_id for found in index.search(["What protects my head?", "May I keep a present?"], 1)
    ] == ["1", "0"]


@pytest.mark.models
@pytest.mark.parametrize(
    ("unit", "method", "told"), [("chunk", "dense", 1), ("sentence", "dense", 0), ("chunk", "bm25", 0)]
)
def test_chunks_that_the_encoder_cuts_are_told(
    params: Params,
    base_models: ProjectPaths,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    unit: str,
    method: str,
    told: int,
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models/base").symlink_to(base_models.encoder.parent)
    paths = ProjectPaths(tmp_path).corpus("ours")
    texts = ["Gifts are returned. " * 60, "Gifts are returned. " * 70, "Helmets are worn on site."]
    write_rows(paths.chunks, (chunk_of(text, chunk_id=str(n)) for n, text in enumerate(texts)))
    searched = params.retrieval.model_copy(update={"unit": unit, "method": method})
    rag_index.run(params.model_copy(update={"retrieval": searched}), paths)
    error = capsys.readouterr().err
    assert error.count("ours: the encoder reads 1 of 3 chunks in part") == told
    assert error.count("lower extract.max_tokens") == told


@pytest.mark.models
def test_a_log_has_no_bars_of_libraries(base_models: ProjectPaths, tmp_path: Path) -> None:
    paths = ProjectPaths(tmp_path).corpus("udhr")
    shutil.copy(ROOT / PARAMS_FILE, paths.params)
    (tmp_path / "models").mkdir()
    (tmp_path / "models/base").symlink_to(base_models.encoder.parent)
    write_rows(paths.chunks, [chunk_of("Gifts above EUR 50 are returned.")])
    command = [sys.executable, "-m", "charter", "stage", "rag-index", "udhr"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("", "")


def test_the_encoder_runs_where_compute_says(
    tiny_project: CorpusPaths, params: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[torch.device] = []

    def stop(_: Path, device: torch.device) -> None:
        asked.append(device)
        raise CharterError("far enough")

    monkeypatch.setattr(rag_index, "Encoder", stop)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    for device in ("auto", "cpu"):
        compute = params.compute.model_copy(update={"device": device})
        with pytest.raises(CharterError, match="far enough"):
            rag_index.run(params.model_copy(update={"compute": compute}), tiny_project)
    assert asked == [torch.device("cuda", 0), torch.device("cpu")]
