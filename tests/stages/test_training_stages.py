"""The three training stages in order, from rows on disk to adapters on disk."""

import pytest

from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import PreferencePair
from charter.project.storage import read_rows, write_rows
from charter.project.training_sections import OpenBook
from charter.stages import cft, dpo, sft

pytestmark = pytest.mark.models


def test_the_stages_train_three_adapters(params: Params, tiny_project: CorpusPaths) -> None:
    open_book = params.sft.model_copy(update={"open_book": OpenBook(passages=1, right=0.34, wrong=0.17)})
    params = params.model_copy(update={"sft": open_book})
    for name, stage in (("cft", cft), ("sft", sft), ("dpo", dpo)):
        metrics = stage.run(params, tiny_project)
        # Six questions, two of them with a passage that answers it and one with another, and a demonstration.
        assert metrics["train_examples"] == (10 if name == "sft" else 6)
        if name == "sft":
            assert metrics["chosen_examples"] == 0
            assert metrics["open_book_examples"] == 3
            assert metrics["demonstration_examples"] == 1
        assert metrics["steps"] >= 1
        assert metrics["tokens"] > 0
        assert (tiny_project.adapter(name) / "adapter_model.safetensors").is_file()
        assert tiny_project.curve(name).read_text().startswith("step,epoch,loss,")


def test_faithful_responses_are_answers_too_but_of_questions_that_have_one(
    params: Params, tiny_project: CorpusPaths
) -> None:
    pairs = read_rows(tiny_project.preference("train"), PreferencePair)
    known = pairs[0].model_copy(update={"prompt": "And gifts?"})
    write_rows(tiny_project.preference("train"), [known, *pairs[1:], pairs[1]])
    settings = params.sft.model_copy(
        update={"chosen": True, "open_book": OpenBook(passages=1, right=1.0, wrong=0.0)}
    )
    metrics = sft.run(params.model_copy(update={"sft": settings}), tiny_project)
    assert metrics["chosen_examples"] == 5
    assert metrics["open_book_examples"] == 11
    assert metrics["train_examples"] == 6 + 5 + 11 + 1


def test_a_row_too_long_stops_the_stage(params: Params, tiny_project: CorpusPaths) -> None:
    short = params.model_copy(update={"sft": params.sft.model_copy(update={"max_length": 16})})
    with pytest.raises(CharterError, match=r"sft\.max_length"):
        sft.run(short, tiny_project)
    assert not tiny_project.adapter("sft").exists()
