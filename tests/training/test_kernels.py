"""What is fused computes what it stands in for."""

import math
from importlib.metadata import version
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import torch
import trl.trainer.utils as trl_utils
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import Linear
from torch import Tensor
from transformers import LlamaForCausalLM
from trl.trainer.utils import add_fused_lm_head

from charter.training import kernels
from charter.training.kernels import HEAD_TOKENS, frozen_head, fused, lora_linear

Model = Any
CPU = torch.device("cpu")


def leaf(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, dtype=dtype, requires_grad=True)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def make_model(tiny_seed: Path) -> Any:
    """Makes the tiny seed with an adapter that is not zero, as trl's trainers would have it."""

    def make(dtype: torch.dtype = torch.float32, **lora: Any) -> Model:
        model = LlamaForCausalLM.from_pretrained(tiny_seed, dtype=dtype)
        add_fused_lm_head(model, outputs=("log_probs", "entropy", "mean_logits", "is_top1"))
        model = get_peft_model(
            model, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", **lora)
        )
        torch.manual_seed(1)
        for weight in model.parameters():
            if weight.requires_grad:
                weight.data = torch.randn_like(weight, dtype=torch.float32) * 0.1
        return model.train()

    return make


def step(model: Model) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return what a training step's forward pass gives, and the gradients."""
    tokens = torch.arange(1, 25).reshape(2, 12)
    labels = tokens.masked_fill(tokens % 12 < 5, -100)
    model.zero_grad()
    outputs = model(input_ids=tokens, labels=labels, fused_lm_head=True)
    outputs.loss.backward()
    named = {
        "loss": outputs.loss,
        "entropy": outputs.entropy,
        "mean": outputs.mean_logits,
        "top": outputs.is_top1,
    }
    return named, {name: w.grad.clone() for name, w in model.named_parameters() if w.requires_grad}


@pytest.mark.parametrize("tokens", [3, HEAD_TOKENS + 3])
def test_the_heads_scores_and_gradient_are_those_of_a_softmax(tokens: int) -> None:
    hidden, weight = leaf(tokens, 8, dtype=torch.float32), torch.randn(50, 8)
    targets, factors = torch.randint(50, (tokens,)), torch.rand(tokens)

    log_probs, entropy, mean, top = frozen_head(hidden, weight, targets)
    (gradient,) = torch.autograd.grad(log_probs, hidden, factors)

    logits = hidden @ weight.t()
    expected = logits.log_softmax(-1)
    wanted = expected[torch.arange(tokens), targets]
    (expected_gradient,) = torch.autograd.grad(wanted, hidden, factors)
    assert torch.allclose(log_probs, wanted, atol=1e-5)
    assert torch.allclose(gradient, expected_gradient, atol=1e-5)
    assert torch.allclose(entropy, torch.distributions.Categorical(logits=logits).entropy(), atol=1e-5)
    assert torch.allclose(mean, logits.mean(-1), atol=1e-5)
    assert torch.equal(top, logits.argmax(-1) == targets)
    assert not entropy.requires_grad


def test_in_bfloat16_a_sure_token_keeps_its_small_gradient() -> None:
    weight = torch.eye(4, dtype=torch.bfloat16)
    hidden = torch.tensor([[7.0, 0, 0, 0]], dtype=torch.bfloat16, requires_grad=True)

    log_probs, *_ = frozen_head(hidden, weight, torch.tensor([0]))
    log_probs.sum().backward()

    left = 3 / (math.exp(7) + 3)
    assert hidden.grad is not None
    assert hidden.grad[0, 0].item() == pytest.approx(left, rel=0.01)


def test_an_adapted_layers_output_and_gradients_are_the_formulas() -> None:
    x, a, b, weight = leaf(2, 3, 6), leaf(2, 6), leaf(5, 2), torch.randn(5, 6, dtype=torch.float64)

    y = lora_linear(x, weight, a, b, 0.7)

    assert torch.allclose(y, x @ (weight + 0.7 * b @ a).t())
    assert torch.autograd.gradcheck(lambda x, a, b: lora_linear(x, weight, a, b, 0.7), (x, a, b))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_fused_step_is_the_original_one(make_model: Any, dtype: torch.dtype) -> None:
    model = make_model(dtype)
    tolerance = 1e-5 if dtype is torch.float32 else 0.05

    with torch.autocast("cpu", dtype, enabled=dtype is torch.bfloat16):
        expected, expected_gradients = step(model)
        with fused(CPU):
            outputs, gradients = step(model)
        after, gradients_after = step(model)

    for name, value in expected.items():
        assert torch.allclose(outputs[name].float(), value.float(), rtol=tolerance, atol=tolerance), name
        assert torch.equal(after[name], value), name
    for name, gradient in expected_gradients.items():
        assert (gradients[name] - gradient).norm() <= tolerance * gradient.norm(), name
        assert gradients[name].dtype == torch.float32
        assert torch.equal(gradients_after[name], gradient), name


def test_a_fused_step_runs_the_fused_functions(make_model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = {"frozen_head": 0, "lora_linear": 0}
    for name in calls:
        original = getattr(kernels, name)

        def counted(*arguments: Any, name: str = name, original: Any = original) -> Any:
            calls[name] += 1
            return original(*arguments)

        monkeypatch.setattr(kernels, name, counted)
    model = make_model()

    with fused(CPU):
        step(model)

    assert calls == {"frozen_head": 1, "lora_linear": 2 * 7}


def test_a_switched_off_adapter_stays_off(make_model: Any) -> None:
    model = make_model()
    tokens = torch.arange(1, 9).reshape(1, 8)

    with torch.no_grad(), model.disable_adapter():
        expected = model(tokens).logits
        with fused(CPU):
            logits = model(tokens).logits

    assert torch.equal(logits, expected)


@pytest.mark.parametrize("lora", [{"lora_dropout": 0.5}, {"lora_bias": True}, {"use_dora": True}])
def test_other_adapters_run_as_peft_has_them(make_model: Any, lora: dict[str, Any]) -> None:
    model = make_model(**lora)
    torch.manual_seed(2)
    expected, expected_gradients = step(model)

    torch.manual_seed(2)
    with fused(CPU):
        outputs, gradients = step(model)

    assert torch.allclose(outputs["loss"], expected["loss"])
    assert all(torch.allclose(gradients[name], grad, atol=1e-5) for name, grad in expected_gradients.items())


@pytest.mark.parametrize(
    "other", [{"temperature": 2.0}, {"softcap": 5.0}, {"logit_scale": 0.5}, {"bias": True}]
)
def test_other_heads_are_scored_by_trl(other: dict[str, Any]) -> None:
    hidden, weight, targets = leaf(3, 8, dtype=torch.float32), torch.randn(50, 8), torch.randint(50, (3,))
    settings = {"bias": None, "temperature": 1.0, "softcap": None, "logit_scale": 1.0} | other
    bias = torch.randn(50) if settings["bias"] else None
    given = (
        hidden,
        weight,
        bias,
        targets,
        settings["temperature"],
        32,
        settings["softcap"],
        settings["logit_scale"],
    )

    expected = trl_utils._ChunkedLogProbFunction.apply(*given, ("log_probs",))[0]
    with fused(CPU):
        log_probs = trl_utils._ChunkedLogProbFunction.apply(*given, ("log_probs",))[0]

    plain = (hidden @ weight.t()).log_softmax(-1)[torch.arange(3), targets]
    assert torch.equal(log_probs, expected)
    assert not torch.allclose(log_probs, plain, atol=1e-3)


def test_a_head_that_is_trained_gets_its_gradient() -> None:
    hidden, weight, targets = (
        leaf(3, 8, dtype=torch.float32),
        leaf(50, 8, dtype=torch.float32),
        torch.arange(3),
    )

    with fused(CPU):
        given = (hidden, weight, None, targets, 1.0, 32, None, 1.0, ("log_probs",))
        trl_utils._ChunkedLogProbFunction.apply(*given)[0].sum().backward()

    assert weight.grad is not None
    assert weight.grad.abs().sum() > 0


def test_what_is_stood_in_for_is_what_it_was_made_for() -> None:
    """When this fails, trl has changed: see that kernels.py computes the same, and move TESTED_TRL."""
    assert version("trl").startswith(f"{kernels.TESTED_TRL}.")
    _, *arguments = signature(trl_utils._ChunkedLogProbFunction.forward).parameters
    assert arguments == [
        "hidden",
        "weight",
        "bias",
        "targets",
        "temperature",
        "chunk_size",
        "final_logit_softcapping",
        "logit_scale",
        "outputs",
    ]
    assert list(signature(trl_utils._use_triton).parameters) == ["device"]
    assert list(signature(Linear.forward).parameters) == ["self", "x", "args", "kwargs"]


def originals() -> tuple[Any, Any, Any]:
    return trl_utils._ChunkedLogProbFunction, trl_utils._use_triton, Linear.forward


def test_another_trl_runs_as_it_comes_and_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = originals()
    monkeypatch.setattr(kernels, "version", lambda _: "1.17.0")
    kernels._is_tested.cache_clear()
    for _ in range(2):
        with fused(CPU):
            assert originals() == before
    kernels._is_tested.cache_clear()
    (line,) = caplog.messages
    assert "without its CPU kernels: they are for trl 1.16, not 1.17.0" in line


def test_a_gpu_runs_trl_as_it_comes() -> None:
    before = originals()
    with fused(torch.device("cuda")):
        assert originals() == before
    with fused(CPU):
        assert all(now is not stock for now, stock in zip(originals(), before, strict=True))
    assert originals() == before
