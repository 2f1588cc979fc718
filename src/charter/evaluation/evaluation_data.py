"""What systems are tested on: held-out questions and pairs, and the passages that go with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from charter.project.records import Chunk, InstructExample, Passage, PreferencePair, Rag, take_evenly
from charter.training.chat import Chat, answer_messages


@dataclass(frozen=True)
class EvaluationData:
    """Held-out data of one corpus.

    ``chunks`` maps an id to its chunk; ``retrieved`` a question, or the prompt of a pair, to what retrieval
    found for it.
    """

    chunks: Mapping[str, Chunk]
    examples: Sequence[InstructExample]
    pairs: Sequence[PreferencePair]
    retrieved: Mapping[str, tuple[Passage, ...]]

    def take(self, count: int) -> "EvaluationData":
        """Take at most ``count`` questions and as many pairs, evenly; 0 takes all."""
        examples = take_evenly(self.examples, count or len(self.examples))
        return replace(self, examples=examples, pairs=take_evenly(self.pairs, count or len(self.pairs)))

    def passages(self, question: str, chunk_id: str, rag: Rag) -> tuple[Passage, ...]:
        """Return what a system is shown beside a question that was written from the chunk ``chunk_id``."""
        if rag == "gold":
            return (Passage(chunk_id=chunk_id, score=1.0),)
        return self.retrieved[question] if rag else ()

    def messages(self, question: str, chunk_id: str, rag: Rag) -> Chat:
        """Ask the question as training does, with its passages if any."""
        shown = self.passages(question, chunk_id, rag)
        return answer_messages(question, [self.chunks[passage.chunk_id].text for passage in shown])
