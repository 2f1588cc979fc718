"""The seed, or the seed with an adapter, on this machine: what it answers and what it finds likely."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from charter.evaluation.evaluation_data import EvaluationData
from charter.evaluation.likelihood import mean_log_probs
from charter.generation.engine import Engine
from charter.generation.journal import JournaledEngine
from charter.generation.transformers_engine import TransformersEngine
from charter.project.devices import resolve_dtype
from charter.project.records import Rag, content_id
from charter.project.sections import Compute
from charter.project.storage import directory_sha256
from charter.training.chat import Chat
from charter.training.models import load_system


class LocalSystem:
    """The seed, or the seed with an adapter: loaded when the journal doesn't have its answers."""

    def __init__(self, seed: Path, adapter: Path | None, compute: Compute, batch_size: int):
        """``batch_size`` prompts are run at once."""
        self._seed, self._adapter, self._compute = seed, adapter, compute
        self._batch_size = batch_size

    @cached_property
    def _loaded(self) -> tuple[PreTrainedModel, Any]:
        return load_system(self._seed, self._adapter, self._compute)

    def open(self, journal: Path) -> JournaledEngine:
        """Return the system behind the journal, identified by its bytes and by how they are held."""
        parts = [directory_sha256(folder) for folder in (self._seed, self._adapter) if folder is not None]
        parts.append(str(resolve_dtype(self._compute)))
        if self._compute.quantization != "none":
            parts.append(self._compute.quantization)
        return JournaledEngine(journal, content_id(*parts), self._load_engine)

    def _load_engine(self) -> Engine:
        return TransformersEngine(*self._loaded, batch_size=self._batch_size)

    def mean_log_probs(self, prompts: Sequence[Chat], responses: Sequence[str]) -> list[float]:
        """Return log P(response | prompt) / tokens of the response, in nats a token, for each pair."""
        return mean_log_probs(*self._loaded, prompts, responses, self._batch_size)

    def favours_chosen(self, held_out: EvaluationData, rag: Rag) -> list[tuple[str, bool]]:
        """For each held-out pair, give its chunk and whether chosen is likelier than rejected, a token."""
        pairs = held_out.pairs
        prompts = [held_out.messages(pair.prompt, pair.chunk_id, rag) for pair in pairs for _ in range(2)]
        responses = [response for pair in pairs for response in (pair.chosen, pair.rejected)]
        scores = self.mean_log_probs(prompts, responses)
        return [
            (pair.chunk_id, chosen > rejected)
            for pair, chosen, rejected in zip(pairs, scores[::2], scores[1::2], strict=True)
        ]
