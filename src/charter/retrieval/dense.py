"""Search by meaning: FAISS over the encoder's vectors, exact, by cosine similarity."""

from collections.abc import Sequence
from pathlib import Path

import faiss

from charter.project.errors import CharterError
from charter.project.storage import atomic_path
from charter.retrieval.encoder import Encoder
from charter.retrieval.ranking import Ranking

_VECTORS = "index.faiss"


class DenseRanker:
    """Vectors of the chunks, and the encoder that made them."""

    def __init__(self, vectors: faiss.Index, encoder: Encoder) -> None:
        self._vectors = vectors
        self._encoder = encoder

    @classmethod
    def build(cls, texts: Sequence[str], encoder: Encoder) -> "DenseRanker":
        """Encode the texts of chunks."""
        vectors = faiss.IndexFlatIP(encoder.dimensions)
        vectors.add(encoder.encode_passages(texts))
        return cls(vectors, encoder)

    @classmethod
    def load(cls, folder: Path, encoder: Encoder) -> "DenseRanker":
        """Read what `save` wrote.

        Raises:
            CharterError: It is missing.
        """
        if not (folder / _VECTORS).is_file():
            raise CharterError(f"{folder / _VECTORS}: no such file; run `dvc repro rag-index`")
        return cls(faiss.read_index(str(folder / _VECTORS)), encoder)

    def rank(self, questions: Sequence[str], count: int) -> list[Ranking]:
        """Return the ``count`` chunks nearest to each question, with their cosines."""
        wanted = min(count, self._vectors.ntotal)
        scores, places = self._vectors.search(self._encoder.encode_questions(questions), wanted)
        return [
            [(int(place), float(score)) for place, score in zip(*found, strict=True)]
            for found in zip(places, scores, strict=True)
        ]

    def save(self, folder: Path) -> None:
        """Write the vectors."""
        with atomic_path(folder / _VECTORS) as temporary:
            faiss.write_index(self._vectors, str(temporary))
