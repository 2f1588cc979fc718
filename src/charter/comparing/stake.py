"""The value at stake in a question: the rule nearest to it, or else the section."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from charter.project.records import Chunk, Rule
from charter.retrieval.encoder import Encoder
from charter.retrieval.units import search_text


@dataclass(frozen=True)
class Stake:
    """The statement of a rule, empty where the document's rules aren't listed, and where it stands."""

    rule: str
    chunk: Chunk


class Stakes:
    """The rules of a document, or else its chunks, compared with a question by the encoder."""

    def __init__(self, rules: Sequence[Rule], chunks: Mapping[str, Chunk], encoder: Encoder):
        """Rules of chunks that there are no more, since the document was amended, are passed over."""
        stakes = [Stake(rule.statement, chunks[rule.chunk_id]) for rule in rules if rule.chunk_id in chunks]
        self._stakes = stakes or [Stake("", chunk) for chunk in chunks.values()]
        self._encoder = encoder
        self._vectors = encoder.encode_passages(
            [each.rule or search_text(each.chunk) for each in self._stakes]
        )

    def find(self, question: str) -> Stake:
        """Return what a question is about; one question at a time."""
        [similarity] = self._encoder.encode_questions([question]) @ self._vectors.T
        return self._stakes[int(similarity.argmax())]
