"""What is served is what was evaluated: the same tokens, whatever else is in the batch."""

import asyncio
from pathlib import Path

import pytest
import torch
from openai import OpenAI

from charter.evaluation.evaluation_data import answer_greedily
from charter.evaluation.local_system import LocalSystem
from charter.retrieval.encoder import Encoder
from charter.retrieval.index import load_index
from charter.serving.batching import BatchedModel
from charter.serving.prompts import tokens_of
from charter.training.chat import answer_messages
from charter.training.models import load_system
from served_models import MODEL, Registry, Running

pytest_plugins = ["mlflow_store", "served_models"]
pytestmark = pytest.mark.models

QUESTIONS = ["May I take gifts?", "Who may stop work that is unsafe, and how?", "Why? " * 60]


def evaluated(registry: Registry, chats: list[list[dict[str, str]]], folder: Path) -> list[str]:
    """The answers of evaluation's local system with the adapter of version 1."""
    system = LocalSystem(registry.paths.seed, registry.adapter(1), registry.params.compute, batch_size=8)
    with system.open(folder / "journal.sqlite") as engine:
        return answer_greedily(engine, chats, registry.params.evaluate.max_new_tokens, "answers")


def served(running: Running) -> list[str]:
    with OpenAI(base_url=f"{running.url}/v1", api_key="none") as client:
        replies = [
            client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": question}])
            for question in QUESTIONS
        ]
    return [reply.choices[0].message.content or "" for reply in replies]


def test_answers_are_those_of_evaluation(registry: Registry, server: Running, tmp_path: Path) -> None:
    expected = evaluated(registry, [answer_messages(question) for question in QUESTIONS], tmp_path)
    assert served(server) == expected
    assert len(set(expected)) > 1


def test_answers_with_passages_are_those_of_evaluation(
    registry: Registry, rag_server: Running, tmp_path: Path
) -> None:
    index = load_index(
        registry.paths.index, Encoder(registry.paths.encoder, torch.device("cpu")), registry.params.retrieval
    )
    texts = {"gifts": "Gifts above 50 euros need consent.", "safety": "Anyone may stop unsafe work."}
    found = index.search(QUESTIONS, registry.params.retrieval.passages)
    chats = [
        answer_messages(question, [texts[passage.chunk_id] for passage in passages])
        for question, passages in zip(QUESTIONS, found, strict=True)
    ]
    assert served(rag_server) == evaluated(registry, chats, tmp_path)


def test_tokens_in_a_batch_are_those_of_each_alone(registry: Registry) -> None:
    seed, adapter, compute = registry.paths.seed, registry.adapter(1), registry.params.compute
    model, tokenizer = load_system(seed, adapter, compute)
    prompts = [tokens_of(answer_messages(question), tokenizer) for question in QUESTIONS]
    alone = [
        model.generate(
            input_ids=torch.tensor([prompt]), max_new_tokens=10, do_sample=False, repetition_penalty=1.0
        )[0, len(prompt) :].tolist()
        for prompt in prompts
    ]
    batched = BatchedModel(seed, adapter, compute, concurrency=4)

    async def last_of(prompt: list[int], drawing: dict[str, object]) -> list[int]:
        deadline = asyncio.get_running_loop().time() + 60
        *_, last = [tokens async for tokens, _ in batched.decode(prompt, 10, drawing, deadline)]
        return last

    async def together() -> list[list[int]]:
        drawn = {"temperature": 1.5, "top_p": 0.9, "seed": 3}
        first, second, *greedy = await asyncio.gather(
            last_of(prompts[0], drawn), last_of(prompts[0], drawn), *(last_of(each, {}) for each in prompts)
        )
        assert first == second != greedy[0]
        assert await last_of(prompts[0], drawn | {"seed": 4}) != first
        return greedy

    try:
        assert asyncio.run(together()) == alone
        assert batched.in_flight == 0
    finally:
        batched.stop()
