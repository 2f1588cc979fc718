"""What systems are tested on, held-out questions and pairs, and the answers to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from charter.generation.engine import ask_turns
from charter.generation.journal import JournaledEngine
from charter.project.metric_names import system_label
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
from charter.project.sampling import take_evenly
from charter.training.chat import Chat, answer_messages


@dataclass(frozen=True)
class ShownTexts:
    """Texts that systems are tested on, with what may be shown beside them.

    ``chunks`` maps an id to its chunk; ``retrieved`` a question, scenario or prompt to what retrieval found
    for it.
    """

    chunks: Mapping[str, Chunk]
    retrieved: Mapping[str, tuple[Passage, ...]]

    def passages(self, text: str, chunk_id: str, rag: Rag) -> tuple[Passage, ...]:
        """Return what a system is shown beside a text that rests on the chunk ``chunk_id``.

        Where it rests on none, and that is empty, "gold" is what was found.
        """
        if rag == "gold" and chunk_id:
            return (Passage(chunk_id=chunk_id, score=1.0),)
        return self.retrieved[text] if rag else ()

    def messages(self, text: str, chunk_id: str, rag: Rag) -> Chat:
        """Ask as training does, with the passages if any."""
        shown = self.passages(text, chunk_id, rag)
        return answer_messages(text, [self.chunks[each.chunk_id].narrowed(each.span).text for each in shown])


@dataclass(frozen=True)
class EvaluationData(ShownTexts):
    """Held-out data of one corpus."""

    examples: Sequence[InstructExample]
    pairs: Sequence[PreferencePair]

    def take(self, count: int) -> "EvaluationData":
        """Take at most ``count`` questions and as many pairs, evenly; 0 takes all."""
        if count == 0:
            return self
        return replace(self, examples=take_evenly(self.examples, count), pairs=take_evenly(self.pairs, count))


def predict(
    engine: JournaledEngine, system: System, rag: Rag, held_out: EvaluationData, max_new_tokens: int
) -> list[Prediction]:
    """Answer the questions greedily, with the prompt that training used."""
    chats = [held_out.messages(row.question, row.chunk_id, rag) for row in held_out.examples]
    answers = answer_greedily(engine, chats, max_new_tokens, f"answers of {system_label(system, rag)}")
    return predictions_of(system, rag, held_out, answers)


def answer_greedily(
    engine: JournaledEngine, chats: Sequence[Chat], max_new_tokens: int, what: str
) -> list[str]:
    """Return the answer to each chat; ``what`` is the title of the progress bar."""
    requests = [
        ask_turns([(turn["role"], turn["content"]) for turn in chat], max_new_tokens=max_new_tokens)
        for chat in chats
    ]
    return [completion.text.strip() for completion in engine.complete(requests, what)]


def predictions_of(
    system: System, rag: Rag, held_out: EvaluationData, answers: Sequence[str]
) -> list[Prediction]:
    """Return answers to the questions, one each, as rows."""
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
            answer=answer,
        )
        for example, answer in zip(held_out.examples, answers, strict=True)
    ]
