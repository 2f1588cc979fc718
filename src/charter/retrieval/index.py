"""The index over the chunks of a corpus: what `retrieval.method` of params.yaml searches them with."""

from collections.abc import Sequence
from pathlib import Path

from charter.project.errors import CharterError
from charter.project.records import Chunk, Passage
from charter.project.sections import RetrievalMethod
from charter.project.storage import read_json, write_json
from charter.retrieval.bm25 import Bm25Ranker
from charter.retrieval.dense import DenseRanker
from charter.retrieval.encoder import Encoder
from charter.retrieval.ranking import Ranker, fuse

_CHUNKS = "chunks.json"

_FUSED = 100
"""So many of each ranking are fused at least."""


class Index:
    """The ids of chunks, and the one or two rankers of a method; ``encoder`` is that of the corpus."""

    def __init__(
        self, method: RetrievalMethod, rankers: Sequence[Ranker], chunk_ids: Sequence[str], encoder: Encoder
    ) -> None:
        self.method = method
        self.chunk_ids = tuple(chunk_ids)
        self.encoder = encoder
        self._rankers = tuple(rankers)

    def search(self, questions: Sequence[str], passages: int) -> list[tuple[Passage, ...]]:
        """Find the ``passages`` chunks that fit each question best, best first; all where there are fewer.

        By words alone, ``bm25``, a chunk that shares none with the question isn't found.
        """
        if not questions:
            return []
        if len(self._rankers) == 1:
            rankings = self._rankers[0].rank(questions, passages)
        else:
            found = [ranker.rank(questions, max(passages, _FUSED)) for ranker in self._rankers]
            rankings = [fuse(each, passages) for each in zip(*found, strict=True)]
        return [
            tuple(Passage(chunk_id=self.chunk_ids[place], score=score) for place, score in ranking)
            for ranking in rankings
        ]

    def save(self, folder: Path) -> None:
        """Write the index; the same chunks, method and encoder give the same bytes."""
        # Last and first: without it no part of what is there is taken for an index.
        (folder / _CHUNKS).unlink(missing_ok=True)
        for ranker in self._rankers:
            ranker.save(folder)
        made = {"method": self.method, "encoder_sha256": self.encoder.sha256, "chunk_ids": self.chunk_ids}
        write_json(folder / _CHUNKS, made)


def build_index(chunks: Sequence[Chunk], encoder: Encoder, method: RetrievalMethod) -> Index:
    """Put chunks into an index.

    Raises:
        CharterError: There are no chunks.
    """
    if not chunks:
        raise CharterError("no chunks to index; `dvc repro extract` makes them")
    texts = [search_text(chunk) for chunk in chunks]
    rankers: list[Ranker] = []
    if method != "bm25":
        rankers.append(DenseRanker.build(texts, encoder))
    if method != "dense":
        rankers.append(Bm25Ranker.build(texts))
    return Index(method, rankers, [chunk.id for chunk in chunks], encoder)


def load_index(folder: Path, encoder: Encoder, method: RetrievalMethod) -> Index:
    """Read an index written by `Index.save`.

    Raises:
        CharterError: The index is missing, or was made with another encoder or for another method.
    """
    saved = read_json(folder / _CHUNKS)
    if saved["encoder_sha256"] != encoder.sha256:
        raise CharterError(f"{folder}: made with another encoder; run `dvc repro rag-index` again")
    if saved.get("method") != method:
        raise CharterError(
            f"{folder}: not made for retrieval.method: {method}; run `dvc repro rag-index` again"
        )
    rankers: list[Ranker] = []
    if method != "bm25":
        rankers.append(DenseRanker.load(folder, encoder))
    if method != "dense":
        rankers.append(Bm25Ranker.load(folder))
    return Index(method, rankers, saved["chunk_ids"], encoder)


def search_text(chunk: Chunk) -> str:
    """The text that stands for a chunk: its headings, which often name the subject, and its own text."""
    return "\n".join((*chunk.headings, chunk.text))
