"""The answers of every system to the same held-out questions, with and without retrieved passages."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from charter.evaluation.likelihood import mean_log_probs
from charter.evaluation.results import system_label
from charter.generation.engine import Engine, Message, Request
from charter.generation.journal import JournaledEngine
from charter.generation.transformers_engine import TransformersEngine
from charter.project.devices import resolve_dtype
from charter.project.params import Compute, Evaluate
from charter.project.records import (
    Chunk,
    InstructExample,
    Passage,
    Prediction,
    PreferencePair,
    Rag,
    System,
    content_id,
)
from charter.project.storage import directory_sha256
from charter.training.chat import Message as ChatMessage
from charter.training.chat import answer_messages
from charter.training.models import load_system

Retrieved = Mapping[str, tuple[Passage, ...]]
"""What retrieval found for each question; empty: nothing was retrieved."""


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
        """Return the system behind the journal, identified by the bytes it is made of."""
        hashes = [directory_sha256(folder) for folder in (self._seed, self._adapter) if folder is not None]
        return JournaledEngine(
            journal, content_id(*hashes, str(resolve_dtype(self._compute))), self._load_engine
        )

    def _load_engine(self) -> Engine:
        return TransformersEngine(*self._loaded, batch_size=self._batch_size)

    def mean_log_probs(self, prompts: Sequence[list[ChatMessage]], responses: Sequence[str]) -> list[float]:
        """Return log P(response | prompt) / tokens of the response, in nats a token, for each pair."""
        return mean_log_probs(*self._loaded, prompts, responses, self._batch_size)

    def favours_chosen(
        self, pairs: Sequence[PreferencePair], passages: Mapping[str, Sequence[str]]
    ) -> list[tuple[str, bool]]:
        """For each pair, give its chunk and whether chosen is likelier than rejected, a token."""
        prompts = [answer_messages(pair.prompt, passages.get(pair.prompt, ())) for pair in pairs]
        scores = self.mean_log_probs(
            [prompt for prompt in prompts for _ in range(2)],
            [response for pair in pairs for response in (pair.chosen, pair.rejected)],
        )
        return [
            (pair.chunk_id, chosen > rejected)
            for pair, chosen, rejected in zip(pairs, scores[::2], scores[1::2], strict=True)
        ]


def passage_texts(retrieved: Retrieved, chunks: Mapping[str, Chunk]) -> dict[str, list[str]]:
    """Return what a prompt shows of the retrieved chunks, for each question."""
    return {
        question: [chunks[passage.chunk_id].text for passage in passages]
        for question, passages in retrieved.items()
    }


def own_passages(examples: Sequence[InstructExample]) -> Retrieved:
    """Return for each question the chunk that it was written from, as if retrieval never failed."""
    return {example.question: (Passage(chunk_id=example.chunk_id, score=1.0),) for example in examples}


def answer_questions(
    engine: JournaledEngine,
    system: System,
    rag: Rag,
    examples: Sequence[InstructExample],
    retrieved: Retrieved,
    chunks: Mapping[str, Chunk],
    settings: Evaluate,
) -> list[Prediction]:
    """Answer greedily, with the prompt that training used, and with what was ``retrieved`` in it if any.

    ``rag`` says where that comes from.
    """
    texts = passage_texts(retrieved, chunks)
    requests = [
        Request(
            messages=tuple(
                Message.model_validate(message)
                for message in answer_messages(example.question, texts.get(example.question, ()))
            ),
            max_new_tokens=settings.max_new_tokens,
        )
        for example in examples
    ]
    purpose = f"answers of {system_label(system, rag)}"
    return [
        Prediction(
            id=content_id(example.id, system, str(rag)),
            item_id=example.id,
            chunk_id=example.chunk_id,
            system=system,
            rag=rag,
            question=example.question,
            reference=example.answer,
            retrieved=retrieved.get(example.question, ()),
            answer=completion.text.strip(),
        )
        for example, completion in zip(examples, engine.complete(requests, purpose), strict=True)
    ]
