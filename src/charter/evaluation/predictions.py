"""Asking a system the held-out questions, with and without retrieved passages."""

from charter.evaluation.evaluation_data import EvaluationData
from charter.generation.engine import ask_turns
from charter.generation.journal import JournaledEngine
from charter.project.metric_names import system_label
from charter.project.records import Prediction, Rag, System, content_id


def predict(
    engine: JournaledEngine, system: System, rag: Rag, held_out: EvaluationData, max_new_tokens: int
) -> list[Prediction]:
    """Answer greedily, with the prompt that training used; ``rag`` says where its passages come from."""
    requests = []
    for example in held_out.examples:
        messages = held_out.messages(example.question, example.chunk_id, rag)
        turns = [(message["role"], message["content"]) for message in messages]
        requests.append(ask_turns(turns, max_new_tokens=max_new_tokens))
    completions = engine.complete(requests, f"answers of {system_label(system, rag)}")
    return [
        Prediction(
            id=content_id(example.id, system, str(rag)),
            item_id=example.id,
            chunk_id=example.chunk_id,
            system=system,
            rag=rag,
            question=example.question,
            reference=example.answer,
            retrieved=held_out.passages(example.question, example.chunk_id, rag),
            answer=completion.text.strip(),
        )
        for example, completion in zip(held_out.examples, completions, strict=True)
    ]
