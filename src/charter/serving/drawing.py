"""Drawing tokens with a seed of each request's own, whatever else is in its batch."""

from typing import Any

import torch
from transformers import LogitsProcessorList, TopPLogitsWarper
from transformers.generation.continuous_batching.cb_logits_processors import (
    ContinuousBatchingLogitsProcessor,
    ContinuousBatchingLogitsProcessorList,
)

_PRIME = 1_000_003
"""Keeps the draws of neighbouring seeds apart."""


class _Draw(ContinuousBatchingLogitsProcessor):  # type: ignore[misc]
    """Draws the next token of a request that samples, and leaves it alone in its scores.

    The batch takes the likeliest token of each request, so those without a temperature are greedy.
    transformers' own sampling has one seed for all requests.
    """

    supported_kwargs = {"temperature": float, "top_p": float, "seed": int}  # noqa: RUF012
    ignored_kwargs = ()

    def fill_defaults(self, int32_tensor: torch.Tensor) -> None:
        int32_tensor.zero_()

    def prepare_tensor_args(self, requests_with_new_token: list[Any]) -> torch.Tensor:
        self._states = [request.state for request in requests_with_new_token]
        return torch.zeros(len(self._states), dtype=torch.int32)

    def __call__(self, scores: torch.Tensor, tensor_arg: torch.Tensor) -> torch.Tensor:
        """Draw for the rows that sample; shape [requests, vocabulary]."""
        for row, state in enumerate(self._states):
            if options := state.logit_processor_kwargs:
                place = len(state.initial_tokens) + len(state.generated_tokens)
                token = _draw(scores[row], place, **options)
                scores[row] = -torch.inf
                scores[row, token] = 0.0
        return scores


def _draw(scores: torch.Tensor, place: int, *, temperature: float, top_p: float, seed: int) -> int:
    scores = scores[None] / temperature
    if top_p < 1:
        scores = TopPLogitsWarper(top_p)(None, scores)
    generator = torch.Generator(scores.device).manual_seed((seed * _PRIME + place) % 2**63)
    return int(torch.multinomial(scores.softmax(-1), 1, generator=generator))


def drawing_processors() -> ContinuousBatchingLogitsProcessorList:
    """Return what a continuous batch processes its scores with."""
    processors = ContinuousBatchingLogitsProcessorList(LogitsProcessorList([_Draw()]))
    processors.tensors_required = 1
    return processors
