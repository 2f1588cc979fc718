import csv
import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from charter.errors import CharterError
from charter.models import load_seed, load_tokenizer
from charter.params import Params
from charter.paths import CorpusPaths
from charter.records import Chunk, InstructExample, content_id
from charter.training.fine_tuning import train_on_answers, train_on_text

pytestmark = pytest.mark.models

ProjectMaker = Callable[[str], CorpusPaths]


@pytest.fixture
def chunks() -> list[Chunk]:
    texts = [f"Section {number}. Employees follow rule {number} at all times." * 3 for number in range(6)]
    return [
        Chunk(
            id=content_id(text),
            document="code",
            document_sha256="0" * 64,
            headings=(),
            pages=(),
            start=0,
            end=len(text),
            text=text,
        )
        for text in texts
    ]


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_same_seed_and_rows_give_the_same_bytes(
    make_project: ProjectMaker, quick: Params, answers: list[InstructExample]
) -> None:
    first, second = make_project("one"), make_project("two")
    for paths in (first, second):
        train_on_answers(answers, answers[:2], "the Code", quick, paths)
    assert hashes(first.adapter("sft")) == hashes(second.adapter("sft"))
    assert first.curve("sft").read_bytes() == second.curve("sft").read_bytes()
    other = quick.model_copy(update={"seed": quick.seed + 1})
    train_on_answers(answers, [], "the Code", other, second)
    name = "adapter_model.safetensors"
    assert hashes(first.adapter("sft"))[name] != hashes(second.adapter("sft"))[name]


def test_sft_learns_and_writes_one_portable_adapter(
    make_project: ProjectMaker, quick: Params, answers: list[InstructExample]
) -> None:
    paths = make_project("project")
    seed_before = hashes(paths.seed)
    longer = quick.model_copy(
        update={"sft": quick.sft.model_copy(update={"epochs": 8.0, "learning_rate": 1e-2})}
    )
    metrics = train_on_answers(answers, answers, "the Code", longer, paths)

    assert metrics["train_examples"] == len(answers)
    assert metrics["steps"] == 16
    uniform = math.log(load_seed(paths.seed, quick.compute).config.vocab_size)
    assert metrics["train_loss"] < uniform - 0.5
    assert metrics["eval_loss"] < metrics["train_loss"]
    assert metrics["tokens_per_second"] == pytest.approx(metrics["tokens"] / metrics["runtime_seconds"])

    adapter = paths.adapter("sft")
    assert not [path for path in adapter.iterdir() if path.is_dir()]
    assert {"adapter_config.json", "adapter_model.safetensors", "tokenizer.json"} <= set(hashes(adapter))
    config = json.loads((adapter / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "models/base/seed"
    assert (config["r"], config["lora_alpha"]) == (quick.sft.lora.rank, quick.sft.lora.alpha)
    assert "lm_head" not in config["target_modules"]
    weights = load_file(adapter / "adapter_model.safetensors")
    assert all("lora_" in name for name in weights)
    moved = [weight.abs().max() > 0 for name, weight in weights.items() if "lora_B" in name]
    assert len(moved) == 2 * 7  # layers x linear layers in one
    assert all(moved)
    assert hashes(paths.seed) == seed_before


def test_the_curve_has_a_row_a_step(
    make_project: ProjectMaker, quick: Params, answers: list[InstructExample]
) -> None:
    paths = make_project("project")
    metrics = train_on_answers(answers, answers[:2], "the Code", quick, paths)
    with paths.curve("sft").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["step", "epoch", "loss", "learning_rate", "grad_norm", "eval_loss"]
    assert [int(row["step"]) for row in rows] == [1, 2, 3, 4]
    assert all(math.isfinite(float(row["loss"])) for row in rows)
    assert [bool(row["eval_loss"]) for row in rows] == [False, True, False, True]
    assert float(rows[-1]["eval_loss"]) == metrics["eval_loss"]


def test_without_validation_rows_nothing_is_evaluated(
    make_project: ProjectMaker, quick: Params, answers: list[InstructExample]
) -> None:
    metrics = train_on_answers(answers, [], "the Code", quick, make_project("project"))
    assert not [name for name in metrics if name.startswith("eval")]


def test_without_training_rows_it_says_so(make_project: ProjectMaker, quick: Params) -> None:
    with pytest.raises(CharterError, match="no rows to train on"):
        train_on_answers([], [], "the Code", quick, make_project("project"))


def test_a_diverging_training_stops(
    make_project: ProjectMaker, quick: Params, answers: list[InstructExample]
) -> None:
    paths = make_project("project")
    wild = quick.model_copy(
        update={"sft": quick.sft.model_copy(update={"learning_rate": 1e30, "warmup_share": 0.0})}
    )
    with pytest.raises(CharterError, match=r"sft diverged at step \d+.*sft\.learning_rate"):
        train_on_answers(answers, [], "the Code", wild, paths)
    assert not paths.adapter("sft").exists()


def test_cft_trains_on_every_token_of_the_text(
    make_project: ProjectMaker, quick: Params, chunks: list[Chunk]
) -> None:
    paths = make_project("project")
    metrics = train_on_text(chunks, quick, paths)
    tokenizer = load_tokenizer(paths.seed)
    text_tokens = sum(len(tokenizer(chunk.text + tokenizer.eos_token)["input_ids"]) for chunk in chunks)
    assert metrics["tokens"] == quick.cft.epochs * text_tokens
    assert metrics["train_examples"] == len(chunks)
    weights = load_file(paths.adapter("cft") / "adapter_model.safetensors")
    assert all(torch.any(weight != 0) for weight in weights.values())
