"""The value at stake in a question: the rule nearest to it, or else the section."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from charter.project.records import Chunk, Rule
from charter.retrieval.encoder import Encoder


@dataclass(frozen=True)
class Stake:
    """The statement of a rule, empty where the document's rules aren't listed, and where it stands."""

    rule: str
    chunk: Chunk


class Stakes:
    """The rules of a document, compared with questions by the encoder; one question at a time."""

    def __init__(self, rules: Sequence[Rule], chunks: Mapping[str, Chunk], encoder: Encoder):
        """Rules of chunks that there are no more, since the document was amended, are passed over."""
        self._chunks = chunks
        self._rules = [rule for rule in rules if rule.chunk_id in chunks]
        self._encoder = encoder
        self._vectors = encoder.encode_passages([rule.statement for rule in self._rules])

    def find(self, question: str, nearest: Chunk) -> Stake:
        """Return what a question is about; ``nearest`` is the chunk that retrieval found first."""
        if not self._rules:
            return Stake("", nearest)
        [similarity] = self._encoder.encode_questions([question]) @ self._vectors.T
        rule = self._rules[int(similarity.argmax())]
        return Stake(rule.statement, self._chunks[rule.chunk_id])
