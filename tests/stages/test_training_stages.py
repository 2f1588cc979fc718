"""The three training stages in order, from rows on disk to adapters on disk."""

import pytest
import torch

from charter.project.errors import CharterError
from charter.project.exercise_records import Exercise, ExerciseDocument
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Chunk
from charter.project.storage import read_rows, write_rows
from charter.project.training_sections import OpenBook
from charter.retrieval.encoder import Encoder
from charter.retrieval.index import build_index
from charter.stages import cft, dpo, sft

pytestmark = pytest.mark.models


def test_the_stages_train_three_adapters(params: Params, tiny_project: CorpusPaths) -> None:
    encoder = Encoder(tiny_project.encoder, torch.device("cpu"))
    build_index(read_rows(tiny_project.chunks, Chunk), encoder, params.retrieval).save(tiny_project.index)
    open_book = OpenBook(passages=1, right=0.34, wrong=0.17, answer="written", exercises=2)
    exercise = Exercise(question="May I keep the key?", word="No.", sentence=0)
    document = ExerciseDocument(
        id="rules", title="Rules", sentences=("Keys are given back.",), questions=(exercise,) * 3
    )
    write_rows(tiny_project.exercises("eng"), [document])
    params = params.model_copy(update={"sft": params.sft.model_copy(update={"open_book": open_book})})
    for name, stage in (("cft", cft), ("sft", sft), ("dpo", dpo)):
        metrics = stage.run(params, tiny_project)
        # Six questions, two of them with a passage that answers it and one with another, a demonstration and
        # two exercises.
        assert metrics["train_examples"] == (12 if name == "sft" else 6)
        if name == "sft":
            assert metrics["open_book_examples"] == 3
            assert metrics["demonstration_examples"] == 1
            assert metrics["exercise_examples"] == 2
        assert metrics["steps"] >= 1
        assert metrics["tokens"] > 0
        assert (tiny_project.adapter(name) / "adapter_model.safetensors").is_file()
        assert tiny_project.curve(name).read_text().startswith("step,epoch,loss,")


def test_a_row_too_long_stops_the_stage(params: Params, tiny_project: CorpusPaths) -> None:
    closed = params.sft.model_copy(
        update={
            "max_length": 16,
            "open_book": OpenBook(passages=1, right=0.0, wrong=0.0, answer="written", exercises=0),
        }
    )
    short = params.model_copy(update={"sft": closed})
    with pytest.raises(CharterError, match=r"sft\.max_length"):
        sft.run(short, tiny_project)
    assert not tiny_project.adapter("sft").exists()
