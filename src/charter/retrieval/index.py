"""The FAISS index over the chunks of a corpus: exact search by cosine similarity."""

from collections.abc import Sequence
from pathlib import Path

import faiss

from charter.project.errors import CharterError
from charter.project.records import Chunk, Passage
from charter.project.storage import atomic_path, read_json, write_json
from charter.retrieval.encoder import Encoder

_VECTORS = "index.faiss"
_CHUNKS = "chunks.json"


class Index:
    """Vectors of chunks, the ids they belong to, and the encoder that made them."""

    def __init__(self, vectors: faiss.Index, chunk_ids: Sequence[str], encoder: Encoder) -> None:
        self.vectors = vectors
        self.chunk_ids = tuple(chunk_ids)
        self.encoder = encoder

    def search(self, questions: Sequence[str], passages: int) -> list[tuple[Passage, ...]]:
        """Find the ``passages`` chunks nearest to each question, best first; all where there are fewer."""
        if not questions:
            return []
        wanted = min(passages, len(self.chunk_ids))
        scores, rows = self.vectors.search(self.encoder.encode_questions(questions), wanted)
        return [
            tuple(
                Passage(chunk_id=self.chunk_ids[row], score=float(score))
                for row, score in zip(found, similarities, strict=True)
            )
            for found, similarities in zip(rows, scores, strict=True)
        ]

    def save(self, folder: Path) -> None:
        """Write the index; the same chunks and encoder give the same bytes."""
        with atomic_path(folder / _VECTORS) as temporary:
            faiss.write_index(self.vectors, str(temporary))
        chunks = {"encoder_sha256": self.encoder.sha256, "chunk_ids": self.chunk_ids}
        write_json(folder / _CHUNKS, chunks)


def build_index(chunks: Sequence[Chunk], encoder: Encoder) -> Index:
    """Encode chunks and put them into an index.

    Raises:
        CharterError: There are no chunks.
    """
    if not chunks:
        raise CharterError("no chunks to index; `dvc repro extract` makes them")
    vectors = faiss.IndexFlatIP(encoder.dimensions)
    vectors.add(encoder.encode_passages([embedding_text(chunk) for chunk in chunks]))
    return Index(vectors, [chunk.id for chunk in chunks], encoder)


def load_index(folder: Path, encoder: Encoder) -> Index:
    """Read an index written by `Index.save`.

    Raises:
        CharterError: The index is missing, or was made with another encoder.
    """
    saved = read_json(folder / _CHUNKS)
    if saved["encoder_sha256"] != encoder.sha256:
        raise CharterError(f"{folder}: made with another encoder; run `dvc repro rag-index` again")
    if not (folder / _VECTORS).is_file():
        raise CharterError(f"{folder / _VECTORS}: no such file; run `dvc repro rag-index`")
    return Index(faiss.read_index(str(folder / _VECTORS)), saved["chunk_ids"], encoder)


def embedding_text(chunk: Chunk) -> str:
    """The text that stands for a chunk: its headings, which often name the subject, and its own text."""
    return "\n".join((*chunk.headings, chunk.text))
