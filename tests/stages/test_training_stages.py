"""The three training stages in order, from rows on disk to adapters on disk."""

import pytest

from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.training_sections import OpenBook
from charter.stages import cft, dpo, rag_index, sft

pytestmark = pytest.mark.models


def test_the_stages_train_three_adapters(
    params: Params, tiny_project: CorpusPaths, base_models: ProjectPaths
) -> None:
    tiny_project.encoder.symlink_to(base_models.encoder)
    rag_index.run(params, tiny_project)
    for name, stage in (("cft", cft), ("sft", sft), ("dpo", dpo)):
        metrics = stage.run(params, tiny_project)
        # Six questions, two of them with a passage that answers it and one with another, and a demonstration.
        assert metrics["train_examples"] == (10 if name == "sft" else 6)
        assert metrics["steps"] >= 1
        assert metrics["tokens"] > 0
        assert (tiny_project.adapter(name) / "adapter_model.safetensors").is_file()
        assert tiny_project.curve(name).read_text().startswith("step,epoch,loss,")


def test_a_row_too_long_stops_the_stage(params: Params, tiny_project: CorpusPaths) -> None:
    closed = params.sft.model_copy(update={"max_length": 16, "open_book": OpenBook(right=0.0, wrong=0.0)})
    short = params.model_copy(update={"sft": closed})
    with pytest.raises(CharterError, match=r"sft\.max_length"):
        sft.run(short, tiny_project)
    assert not tiny_project.adapter("sft").exists()
