import csv
import hashlib
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file

from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Chunk, InstructExample
from charter.training import fine_tuning, loop
from charter.training.fine_tuning import train_on_answers, train_on_text
from charter.training.loop import expect_all_rows
from charter.training.models import load_seed, load_system, load_tokenizer
from rows import chunk_of

pytestmark = pytest.mark.models

ProjectMaker = Callable[[str], CorpusPaths]


@pytest.fixture
def chunks() -> list[Chunk]:
    texts = [f"Section {number}. Employees follow rule {number} at all times." * 3 for number in range(6)]
    return [chunk_of(text, document="code") for text in texts]


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_same_seed_and_rows_give_the_same_bytes(
    make_project: ProjectMaker, quick: Params, answers: list[InstructExample]
) -> None:
    first, second = make_project("one"), make_project("two")
    for paths in (first, second):
        train_on_answers(answers, answers[:2], quick, paths)
    assert hashes(first.adapter("sft")) == hashes(second.adapter("sft"))
    assert first.curve("sft").read_bytes() == second.curve("sft").read_bytes()
    other = quick.model_copy(update={"seed": quick.seed + 1})
    train_on_answers(answers, [], other, second)
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
    metrics = train_on_answers(answers, answers, longer, paths)

    assert metrics["train_examples"] == len(answers)
    assert metrics["steps"] == 16
    uniform = math.log(load_seed(paths.seed, quick.compute).config.vocab_size)
    assert metrics["train_loss"] < uniform - 0.5
    assert metrics["eval_loss"] < uniform - 0.5
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
    metrics = train_on_answers(answers, answers[:2], quick, paths)
    with paths.curve("sft").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["step", "epoch", "loss", "learning_rate", "grad_norm", "eval_loss"]
    assert [int(row["step"]) for row in rows] == [1, 2, 3, 4]
    assert all(math.isfinite(float(row["loss"])) for row in rows)
    assert [bool(row["eval_loss"]) for row in rows] == [False, True, False, True]
    assert float(rows[-1]["eval_loss"]) == metrics["eval_loss"]


@pytest.mark.parametrize("best_epoch", [True, False])
def test_the_epoch_with_the_lowest_validation_loss_is_kept_or_the_last(
    make_project: ProjectMaker,
    quick: Params,
    answers: list[InstructExample],
    monkeypatch: pytest.MonkeyPatch,
    best_epoch: bool,
) -> None:
    paths, written = make_project("project"), []
    write = loop.write_adapter

    def evaluate_and_write(trainer: Any, *arguments: Any) -> None:
        written.append(trainer.evaluate()["eval_loss"])
        trainer.state.log_history.pop()
        write(trainer, *arguments)

    monkeypatch.setattr(loop, "write_adapter", evaluate_and_write)
    # None of these words is trained on, so they end less likely than they were, whatever the processor
    # rounds; a high learning rate would leave that to chance.
    held_out = answers[0].model_copy(
        update={"id": "0" * 16, "answer": "Purple umbrellas quietly juggle seventeen enormous zebras" * 3}
    )
    overfit = quick.model_copy(
        update={
            "sft": quick.sft.model_copy(
                update={"epochs": 6.0, "learning_rate": 1e-3, "best_epoch": best_epoch}
            )
        }
    )
    metrics = train_on_answers(answers, [held_out], overfit, paths)

    with paths.curve("sft").open() as file:
        losses = {
            float(row["epoch"]): float(row["eval_loss"]) for row in csv.DictReader(file) if row["eval_loss"]
        }
    best = min(losses, key=losses.__getitem__)
    assert len(losses) == 6
    assert best < 6, losses
    kept = best if best_epoch else 6.0
    assert (metrics["kept_epoch"], metrics["eval_loss"]) == (kept, losses[kept])
    assert written == [pytest.approx(losses[kept], abs=1e-5)]
    assert abs(losses[best] - losses[6.0]) > 1e-3


def test_without_validation_rows_nothing_is_evaluated(
    make_project: ProjectMaker, quick: Params, answers: list[InstructExample]
) -> None:
    metrics = train_on_answers(answers, [], quick, make_project("project"))
    assert not [name for name in metrics if name.startswith("eval")]


def test_without_training_rows_it_says_so(make_project: ProjectMaker, quick: Params) -> None:
    with pytest.raises(CharterError, match="no rows to train on"):
        train_on_answers([], [], quick, make_project("project"))


def test_a_diverging_training_stops(
    make_project: ProjectMaker, quick: Params, answers: list[InstructExample]
) -> None:
    paths = make_project("project")
    wild = quick.model_copy(
        update={"sft": quick.sft.model_copy(update={"learning_rate": 1e30, "warmup_share": 0.0})}
    )
    with pytest.raises(CharterError, match=r"sft diverged at step \d+.*sft\.learning_rate"):
        train_on_answers(answers, [], wild, paths)
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


@pytest.fixture
def strong(quick: Params) -> Params:
    """Parameters that take the adapter far from the seed."""
    return quick.model_copy(
        update={"sft": quick.sft.model_copy(update={"epochs": 8.0, "learning_rate": 1e-2})}
    )


def tensors(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}


def test_adapters_move_and_the_seed_does_not(
    make_project: ProjectMaker,
    strong: Params,
    answers: list[InstructExample],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    weights: list[dict[str, torch.Tensor]] = []

    def watched(trainer: Any, *rest: Any) -> Any:
        weights.append(tensors(trainer.model))
        metrics = loop.run_training(trainer, *rest)
        weights.append(tensors(trainer.model))
        return metrics

    monkeypatch.setattr(fine_tuning, "run_training", watched)
    train_on_answers(answers, [], strong, make_project("project"))
    before, after = weights
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == {name for name in before if "lora_" in name}
    assert len(moved) == 2 * 7 * 2  # layers x linear layers in one x A and B


def test_what_is_saved_and_what_is_evaluated_is_what_was_trained(
    make_project: ProjectMaker,
    strong: Params,
    answers: list[InstructExample],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    paths = make_project("project")
    tokenizer = load_tokenizer(paths.seed)
    prompt = tokenizer(answers[0].question, return_tensors="pt")["input_ids"]

    def behaviour(model: Any) -> tuple[torch.Tensor, list[int]]:
        """Its logits, and its greedy continuation."""
        model.eval()
        with torch.no_grad():
            written = model.generate(input_ids=prompt, max_new_tokens=24, do_sample=False)
            return model(input_ids=prompt).logits, written[0].tolist()

    trained: list[tuple[torch.Tensor, list[int]]] = []

    def watched(trainer: Any, *rest: Any) -> None:
        trained.append(behaviour(trainer.model))
        write_adapter(trainer, *rest)

    write_adapter = loop.write_adapter
    monkeypatch.setattr(loop, "write_adapter", watched)
    train_on_answers(answers, [], strong, paths)

    registered = shutil.copytree(paths.adapter("sft"), tmp_path / "registered")
    reloaded = behaviour(PeftModel.from_pretrained(load_seed(paths.seed, strong.compute), registered))
    evaluated = behaviour(load_system(paths.seed, paths.adapter("sft"), strong.compute)[0])
    seed = behaviour(load_seed(paths.seed, strong.compute))
    assert torch.equal(reloaded[0], trained[0][0])
    assert torch.allclose(evaluated[0], trained[0][0], atol=1e-4)
    assert reloaded[1] == evaluated[1] == trained[0][1] != seed[1]


def test_over_nf4_what_is_evaluated_is_what_was_trained(
    make_project: ProjectMaker,
    strong: Params,
    answers: list[InstructExample],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("bitsandbytes")
    paths, trained = make_project("project"), []
    compute = strong.compute.model_copy(update={"quantization": "nf4"})
    tokens = torch.arange(100, 140)[None]

    def watched(trainer: Any, *rest: Any) -> None:
        with torch.no_grad():
            trained.append(trainer.model.eval()(input_ids=tokens).logits.float())
        write_adapter(trainer, *rest)

    write_adapter = loop.write_adapter
    monkeypatch.setattr(loop, "write_adapter", watched)
    train_on_answers(answers, [], strong.model_copy(update={"compute": compute}), paths)

    with torch.no_grad():
        systems = [
            load_system(paths.seed, adapter, how)[0](tokens).logits.float()
            for adapter, how in (
                (paths.adapter("sft"), compute),
                (paths.adapter("sft"), strong.compute),
                (None, compute),
            )
        ]
    same, over_whole_weights, seed = ((logits - trained[0]).abs().max() for logits in systems)
    assert same < over_whole_weights / 5
    assert same < seed / 5


def test_every_row_is_trained_on_in_every_epoch(
    make_project: ProjectMaker, quick: Params, answers: list[InstructExample]
) -> None:
    paths = make_project("project")
    tokenizer = load_tokenizer(paths.seed)
    rows = fine_tuning.instruct_dataset(answers, tokenizer, quick.sft.max_length)
    tokens = sum(
        len(tokenizer.apply_chat_template(row["prompt"] + row["completion"])["input_ids"]) for row in rows
    )
    metrics = train_on_answers(answers, [], quick, paths)
    assert metrics["tokens"] == quick.sft.epochs * tokens


def test_a_dropped_row_is_an_error() -> None:
    expect_all_rows(6, 6)
    with pytest.raises(CharterError, match="dropped 2 of 6 training rows"):
        expect_all_rows(6, 4)
