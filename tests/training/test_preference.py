import csv
import hashlib
import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch.nn.functional import logsigmoid
from transformers import PreTrainedModel

from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import InstructExample, PreferencePair
from charter.project.sections import Compute
from charter.training import preference
from charter.training.chat import answer_messages
from charter.training.fine_tuning import train_on_answers
from charter.training.models import load_system
from charter.training.preference import check_start, train_on_preferences

pytestmark = pytest.mark.models


@pytest.fixture
def aligned(
    make_project: Callable[[str], CorpusPaths], quick: Params, answers: list[InstructExample]
) -> CorpusPaths:
    """A project with an SFT adapter far enough from the seed to tell them apart."""
    paths = make_project("project")
    strong = quick.model_copy(
        update={"sft": quick.sft.model_copy(update={"learning_rate": 2e-2, "epochs": 6.0})}
    )
    train_on_answers(answers, [], strong, paths)
    return paths


@cache
def system(seed: Path, adapter: Path | None, compute: Compute) -> tuple[PreTrainedModel, Any]:
    return load_system(seed, adapter, compute)


def log_prob(seed: Path, adapter: Path | None, pair: PreferencePair, response: str, params: Params) -> float:
    """log pi(response | prompt), from the merged model that evaluation uses, token by token."""
    model, tokenizer = system(seed, adapter, params.compute)
    prompt = answer_messages(pair.prompt)
    start = len(tokenizer.apply_chat_template(prompt, add_generation_prompt=True)["input_ids"])
    whole = [*prompt, {"role": "assistant", "content": response}]
    tokens = torch.tensor([tokenizer.apply_chat_template(whole)["input_ids"]])
    with torch.no_grad():
        log_probs = model(tokens).logits[0].log_softmax(-1)
    return sum(log_probs[at - 1, tokens[0, at]].item() for at in range(start, tokens.shape[1]))


def pair_margin(paths: CorpusPaths, policy: Path, pair: PreferencePair, params: Params) -> float:
    """log[pi(y_w|x) / pi_sft(y_w|x)] - log[pi(y_l|x) / pi_sft(y_l|x)]."""
    sft = paths.adapter("sft")
    won, lost = (
        log_prob(paths.seed, policy, pair, response, params)
        - log_prob(paths.seed, sft, pair, response, params)
        for response in (pair.chosen, pair.rejected)
    )
    return won - lost


def curve(paths: CorpusPaths) -> list[dict[str, str]]:
    with paths.curve("dpo").open() as file:
        return list(csv.DictReader(file))


def test_training_starts_at_the_reference(
    aligned: CorpusPaths, quick: Params, pairs: list[PreferencePair]
) -> None:
    train_on_preferences(pairs, [], quick, aligned)
    first = curve(aligned)[0]
    assert float(first["loss"]) == pytest.approx(math.log(2), abs=1e-5)
    assert float(first["margin"]) == pytest.approx(0, abs=1e-4)
    assert float(curve(aligned)[-1]["margin"]) > 0.02


def test_the_reference_is_the_sft_model_and_not_the_seed(
    aligned: CorpusPaths, quick: Params, pairs: list[PreferencePair], monkeypatch: pytest.MonkeyPatch
) -> None:
    references: dict[str, list[float]] = {}
    run = preference.run_training

    def keep(trainer: preference.DPOTrainer, *rest: Any) -> dict[str, float]:
        for column in ("ref_chosen_logps", "ref_rejected_logps"):
            references[column] = list(trainer.train_dataset[column])
        return run(trainer, *rest)

    monkeypatch.setattr(preference, "run_training", keep)
    train_on_preferences(pairs, [], quick, aligned)
    for row, pair in enumerate(pairs):
        for column, response in (("ref_chosen_logps", pair.chosen), ("ref_rejected_logps", pair.rejected)):
            sft = log_prob(aligned.seed, aligned.adapter("sft"), pair, response, quick)
            seed = log_prob(aligned.seed, None, pair, response, quick)
            assert references[column][row] == pytest.approx(sft, abs=2e-3)
            assert abs(references[column][row] - seed) > 0.2


def test_the_evaluated_loss_is_the_papers(
    aligned: CorpusPaths, quick: Params, pairs: list[PreferencePair]
) -> None:
    metrics = train_on_preferences(pairs, pairs[:4], quick, aligned)
    beta, policy = quick.dpo.beta, aligned.adapter("dpo")
    margins = torch.tensor([pair_margin(aligned, policy, pair, quick) for pair in pairs[:4]])
    assert margins.abs().max() > 0.5
    assert metrics["eval_loss"] == pytest.approx(-logsigmoid(beta * margins).mean().item(), abs=1e-4)
    assert metrics["eval_margin"] == pytest.approx(beta * margins.mean().item(), abs=1e-3)
    assert metrics["eval_accuracy"] == pytest.approx((margins > 0).float().mean().item())


def test_dpo_moves_the_sft_adapter_and_writes_one_of_its_kind(
    aligned: CorpusPaths, quick: Params, pairs: list[PreferencePair]
) -> None:
    metrics = train_on_preferences(pairs, pairs, quick, aligned)
    before = load_file(aligned.adapter("sft") / "adapter_model.safetensors")
    after = load_file(aligned.adapter("dpo") / "adapter_model.safetensors")
    assert before.keys() == after.keys()
    assert all(not torch.equal(before[name], after[name]) for name in before)
    assert not [path for path in aligned.adapter("dpo").iterdir() if path.is_dir()]
    assert metrics["eval_accuracy"] > 0.5
    assert metrics["eval_margin"] > 0
    header = ["step", "epoch", "loss", "learning_rate", "grad_norm", "margin", "accuracy"]
    header += ["logp_chosen", "logp_rejected", "eval_loss", "eval_margin", "eval_accuracy"]
    assert list(curve(aligned)[0]) == header


@pytest.mark.parametrize("loss", ["ipo", "robust", "apo_zero"])
def test_every_loss_starts_where_its_formula_says(
    aligned: CorpusPaths, quick: Params, pairs: list[PreferencePair], loss: str
) -> None:
    chosen = quick.model_copy(update={"dpo": quick.dpo.model_copy(update={"loss": loss})})
    train_on_preferences(pairs, [], chosen, aligned)
    due = {"ipo": 1 / (4 * quick.dpo.beta**2), "robust": math.log(2), "apo_zero": 1.0}[loss]
    assert float(curve(aligned)[0]["loss"]) == pytest.approx(due, rel=1e-4)


def test_the_sft_term_adds_the_mean_log_likelihood_of_the_chosen(
    aligned: CorpusPaths, quick: Params, pairs: list[PreferencePair]
) -> None:
    one_step = quick.dpo.model_copy(update={"batch_size": len(pairs), "epochs": 1.0, "sft_weight": 0.5})
    train_on_preferences(pairs, [], quick.model_copy(update={"dpo": one_step}), aligned)
    _, tokenizer = load_system(aligned.seed, None, quick.compute)
    total = tokens = 0.0
    for pair in pairs:
        total += log_prob(aligned.seed, aligned.adapter("sft"), pair, pair.chosen, quick)
        tokens += len(tokenizer(f"{pair.chosen}{tokenizer.eos_token}\n")["input_ids"])
    due = math.log(2) - 0.5 * total / tokens
    assert float(curve(aligned)[0]["loss"]) == pytest.approx(due, abs=1e-3)


def test_a_reference_that_is_not_the_sft_model_is_refused(
    aligned: CorpusPaths, quick: Params, pairs: list[PreferencePair], monkeypatch: pytest.MonkeyPatch
) -> None:
    class SeedAsReference(preference.PreferenceOptimizer):  # type: ignore[misc]
        """What trl did before it copied the adapter: a reference with all adapters off."""

        def compute_ref_log_probs(self, model, inputs):  # type: ignore[no-untyped-def]
            with model.disable_adapter(), torch.no_grad():
                return preference.response_log_probs(model, inputs).chunk(2)

    monkeypatch.setattr(preference, "PreferenceOptimizer", SeedAsReference)
    with pytest.raises(CharterError, match="reference is not the SFT model"):
        train_on_preferences(pairs, [], quick, aligned)
    assert not aligned.adapter("dpo").exists()


@pytest.mark.parametrize(("loss", "margin"), [(0.6, 0.0), (math.log(2), 0.3)])
def test_a_false_start_is_refused(quick: Params, loss: float, margin: float) -> None:
    check_start({"loss": math.log(2), "rewards/margins": 0.0}, quick.dpo, 1e-3)
    with pytest.raises(CharterError, match="does not start at its reference"):
        check_start({"loss": loss, "rewards/margins": margin}, quick.dpo, 1e-3)


def test_likelihood_alone_raises_the_chosen_responses(
    aligned: CorpusPaths, quick: Params, pairs: list[PreferencePair]
) -> None:
    """dpo.loss sft, the control of as many further steps: its loss at the start is no constant."""
    chosen = quick.model_copy(update={"dpo": quick.dpo.model_copy(update={"loss": "sft"})})
    check_start({"loss": 3.21, "rewards/margins": 0.0}, chosen.dpo, 1e-3)
    with pytest.raises(CharterError, match="does not start at its reference"):
        check_start({"loss": 3.21, "rewards/margins": 0.3}, chosen.dpo, 1e-3)
    train_on_preferences(pairs, [], chosen, aligned)
    before, after = (
        [log_prob(aligned.seed, aligned.adapter(name), pair, pair.chosen, quick) for pair in pairs]
        for name in ("sft", "dpo")
    )
    assert sum(after) > sum(before)
    losses = [float(row["loss"]) for row in curve(aligned)]
    assert losses[-1] < losses[0]


def test_the_first_step_is_checked(
    aligned: CorpusPaths, quick: Params, pairs: list[PreferencePair], monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[float] = []
    monkeypatch.setattr(preference, "check_start", lambda logs, *_: checked.append(logs["loss"]))
    train_on_preferences(pairs, [], quick, aligned)
    assert checked == [float(curve(aligned)[0]["loss"])]


def test_dpo_is_deterministic(aligned: CorpusPaths, quick: Params, pairs: list[PreferencePair]) -> None:
    digests = set()
    for _ in range(2):
        train_on_preferences(pairs, [], quick, aligned)
        weights = (aligned.adapter("dpo") / "adapter_model.safetensors").read_bytes()
        digests.add(hashlib.sha256(weights).hexdigest())
    assert len(digests) == 1
