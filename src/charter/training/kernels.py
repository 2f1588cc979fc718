"""A training step's arithmetic on a CPU, which trl and peft leave to many small operations.

What is here computes what it stands in for, and its gradients, up to rounding. Where its conditions don't
hold, the original runs: on a GPU, and with other versions of trl than it was tested with.
"""

import logging
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from typing import Any

import torch
import trl.trainer.utils as trl_utils
from peft.tuners.lora import Linear
from torch import Tensor, nn
from torch.autograd import Function

TESTED_TRL = "1.16"
"""The version of trl whose private functions are stood in for."""

HEAD_TOKENS = 512
"""Tokens scored at a time: 100 MB of float32 for a vocabulary of 49,152."""

_FROZEN_HEAD_OUTPUTS = {"log_probs", "entropy", "mean_logits", "is_top1"}

_log = logging.getLogger(__name__)
_trl_head: Any = getattr(trl_utils, "_ChunkedLogProbFunction", None)
_peft_forward = Linear.forward


@contextmanager
def fused(device: torch.device) -> Iterator[None]:
    """Train on ``device`` with the functions of this module, where it is a CPU.

    Without Triton, trl scores all positions and masks them afterwards, to spare devices that compile for
    each shape. A CPU doesn't, and the prompt's positions, two thirds of a row, times a vocabulary of
    49,152 would be a large part of the work: labelled ones are scored alone.
    """
    if device.type != "cpu" or not _is_tested():
        yield
        return
    uses_triton = trl_utils._use_triton
    trl_utils._use_triton = lambda _device: True
    trl_utils._ChunkedLogProbFunction = types.SimpleNamespace(apply=_head)
    Linear.forward = _lora_forward
    try:
        yield
    finally:
        trl_utils._use_triton = uses_triton
        trl_utils._ChunkedLogProbFunction = _trl_head
        Linear.forward = _peft_forward


@cache
def _is_tested() -> bool:
    found = version("trl")
    tested = found.startswith(f"{TESTED_TRL}.")
    if not tested:
        _log.warning("training runs without its CPU kernels: they are for trl %s, not %s", TESTED_TRL, found)
    return tested


class FrozenHead(Function):
    """Log-probabilities under an output head that isn't trained.

    A token's gradient is known as soon as its logits are, but for the factor that the backward pass brings:
    d log p(t) / dh = (onehot(t) - p) W. It is computed with them: no logits are computed twice, as in trl's
    function, and none of the products is in float32, as its on a CPU.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor) -> tuple[Tensor, ...]:
        """Score ``targets`` [N] given ``hidden`` [N, H] under ``weight`` [V, H].

        Returns:
            Of each target, [N]: log-probability, entropy of its distribution, mean logit, and whether it is
            the likeliest token. The last three have no gradient.
        """
        parts = zip(torch.split(hidden, HEAD_TOKENS), torch.split(targets, HEAD_TOKENS), strict=True)
        scored = [_score(rows, weight, wanted) for rows, wanted in parts]
        *outputs, gradient = (torch.cat(columns) for columns in zip(*scored, strict=True))
        ctx.save_for_backward(gradient)
        ctx.mark_non_differentiable(*outputs[1:])
        return tuple(outputs)

    @staticmethod
    def backward(ctx: Any, factors: Tensor, *_: Tensor) -> tuple[Tensor, None, None]:
        """Return the gradient of ``hidden``, given that of the log-probabilities."""
        (gradient,) = ctx.saved_tensors
        return gradient * factors.unsqueeze(-1).to(gradient.dtype), None, None


frozen_head: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, ...]] = FrozenHead.apply


def _score(hidden: Tensor, weight: Tensor, targets: Tensor) -> tuple[Tensor, ...]:
    logits = (hidden @ weight.t()).float()
    mean = logits.mean(-1)
    log_probs = logits.log_softmax(-1)
    chosen = log_probs.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    is_top1 = chosen >= log_probs.amax(-1)
    probs = log_probs.exp()
    entropy = -torch.linalg.vecdot(probs, log_probs)
    # Rounded after the subtraction, not before: where the model is sure of the target, little is left of it.
    slope = probs.neg_().scatter_add_(-1, targets.unsqueeze(-1), torch.ones_like(chosen).unsqueeze(-1))
    return chosen, entropy, mean, is_top1, slope.to(weight.dtype) @ weight


def _head(
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    targets: Tensor,
    temperature: float,
    chunk_size: int,
    softcap: float | None,
    logit_scale: float,
    outputs: tuple[str, ...],
) -> tuple[Tensor | None, ...]:
    """Score as trl's function of these arguments does, by `FrozenHead` where that serves."""
    plain = bias is None and temperature == 1 and softcap is None and logit_scale == 1
    if weight.requires_grad or not plain or not _FROZEN_HEAD_OUTPUTS.issuperset(outputs):
        result: tuple[Tensor | None, ...] = _trl_head.apply(
            hidden, weight, bias, targets, temperature, chunk_size, softcap, logit_scale, outputs
        )
        return result
    dtype = _computing_dtype(hidden)
    log_probs, entropy, mean_logits, is_top1 = frozen_head(hidden.to(dtype), weight.to(dtype), targets)
    return log_probs, entropy, None, mean_logits, is_top1


class LoraLinear(Function):
    """A frozen linear layer and its adapter (Hu et al., 2022, Eq. 3) as one node: y = x W' + s x A' B'."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, a: Tensor, b: Tensor, scaling: float) -> Tensor:
        """Map ``x`` [..., I] with ``weight`` [O, I], ``a`` [R, I] and ``b`` [O, R] to [..., O]."""
        rows, a_rounded, b_rounded = x.flatten(0, -2), a.to(x.dtype), b.to(x.dtype)
        low = rows @ a_rounded.t()
        ctx.save_for_backward(rows, weight, a_rounded, b_rounded, low)
        ctx.scaling, ctx.shape, ctx.adapter_dtype = scaling, x.shape, a.dtype
        y = (rows @ weight.t()).addmm_(low, b_rounded.t(), alpha=scaling)
        return y.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, None, Tensor, Tensor, None]:
        """Return the gradients of ``x``, ``a`` and ``b``."""
        rows, weight, a, b, low = ctx.saved_tensors
        grad = grad.flatten(0, -2)
        low_grad = (grad @ b).mul_(ctx.scaling)
        x_grad = None
        if ctx.needs_input_grad[0]:
            x_grad = (grad @ weight).addmm_(low_grad, a).view(ctx.shape)
        a_grad = (low_grad.t() @ rows).to(ctx.adapter_dtype)
        b_grad = (grad.t() @ low).to(ctx.adapter_dtype).mul_(ctx.scaling)
        return x_grad, None, a_grad, b_grad, None


lora_linear: Callable[[Tensor, Tensor, Tensor, Tensor, float], Tensor] = LoraLinear.apply


def _lora_forward(layer: Any, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    dtype = _computing_dtype(x)
    if args or kwargs or not _is_plain(layer, dtype):
        original: Tensor = _peft_forward(layer, x, *args, **kwargs)
        return original
    (name,) = layer.active_adapters
    a, b = layer.lora_A[name].weight, layer.lora_B[name].weight
    return lora_linear(x.to(dtype), layer.base_layer.weight, a, b, layer.scaling[name])


def _is_plain(layer: Any, dtype: torch.dtype) -> bool:
    """Say whether this is LoRA as its authors have it, switched on, over a linear layer without bias."""
    base = layer.base_layer
    if type(base) is not nn.Linear or base.bias is not None or base.weight.dtype != dtype:
        return False
    if layer.disable_adapters or layer.merged or len(layer.active_adapters) != 1:
        return False
    (name,) = layer.active_adapters
    if name not in layer.lora_A or name in layer.lora_variant or layer.lora_bias[name]:
        return False
    return isinstance(layer.lora_dropout[name], nn.Identity)


def _computing_dtype(x: Tensor) -> torch.dtype:
    kind = x.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
