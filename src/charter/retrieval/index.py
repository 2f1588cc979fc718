"""The index over a corpus: its chunks or sentences, and what `retrieval.method` searches them with."""

from collections.abc import Sequence
from pathlib import Path

from charter.documents.segmentation import Span
from charter.project.errors import CharterError
from charter.project.records import Chunk, Passage
from charter.project.sections import Retrieval
from charter.project.storage import read_json, write_json
from charter.retrieval.bm25 import Bm25Ranker
from charter.retrieval.dense import DenseRanker
from charter.retrieval.encoder import Encoder
from charter.retrieval.ranking import Ranker, fuse
from charter.retrieval.units import search_text, units_of

_UNITS = "units.json"

_FUSED = 100
"""So many of each ranking are fused at least."""


class Index:
    """What can be found, in the documents' order, and the one or two rankers of a method.

    A unit is the id of a chunk and the part of its text, None where that is all; ``settings`` are those that
    the index was made by, and ``encoder`` is that of the corpus.
    """

    def __init__(
        self,
        settings: Retrieval,
        rankers: Sequence[Ranker],
        units: Sequence[tuple[str, Span | None]],
        encoder: Encoder,
    ) -> None:
        self.settings = settings
        self.units = tuple(units)
        self.encoder = encoder
        self._rankers = tuple(rankers)

    def search(self, questions: Sequence[str], passages: int) -> list[tuple[Passage, ...]]:
        """Find the ``passages`` units that fit each question best, best first; all where there are fewer.

        By words alone, ``bm25``, what shares none with the question isn't found.
        """
        if not questions:
            return []
        if len(self._rankers) == 1:
            rankings = self._rankers[0].rank(questions, passages)
        else:
            found = [ranker.rank(questions, max(passages, _FUSED)) for ranker in self._rankers]
            rankings = [fuse(each, passages) for each in zip(*found, strict=True)]
        return [tuple(self._passage(place, score) for place, score in ranking) for ranking in rankings]

    def save(self, folder: Path) -> None:
        """Write the index; the same chunks, settings and encoder give the same bytes."""
        # Last and first: without it no part of what is there is taken for an index.
        (folder / _UNITS).unlink(missing_ok=True)
        for ranker in self._rankers:
            ranker.save(folder)
        made = _made_by(self.settings) | {"encoder_sha256": self.encoder.sha256, "units": self.units}
        write_json(folder / _UNITS, made)

    def _passage(self, place: int, score: float) -> Passage:
        chunk_id, span = self.units[place]
        return Passage(chunk_id=chunk_id, score=score, span=span)


def build_index(chunks: Sequence[Chunk], encoder: Encoder, settings: Retrieval) -> Index:
    """Put chunks, or their sentences, into an index.

    Raises:
        CharterError: There are no chunks.
    """
    if not chunks:
        raise CharterError("no chunks to index; `dvc repro extract` makes them")
    units = units_of(chunks, settings.unit)
    texts = [search_text(chunk, span) for chunk, span in units]
    rankers: list[Ranker] = []
    if settings.method != "bm25":
        rankers.append(DenseRanker.build(texts, encoder))
    if settings.method != "dense":
        rankers.append(Bm25Ranker.build(texts))
    return Index(settings, rankers, [(chunk.id, span) for chunk, span in units], encoder)


def load_index(folder: Path, encoder: Encoder, settings: Retrieval) -> Index:
    """Read an index written by `Index.save`.

    Raises:
        CharterError: The index is missing, or was made with another encoder or by other settings.
    """
    saved = read_json(folder / _UNITS)
    if saved["encoder_sha256"] != encoder.sha256:
        raise CharterError(f"{folder}: made with another encoder; run `dvc repro rag-index` again")
    for name, value in _made_by(settings).items():
        if saved[name] != value:
            raise CharterError(
                f"{folder}: not made for retrieval.{name}: {value}; run `dvc repro rag-index` again"
            )
    rankers: list[Ranker] = []
    if settings.method != "bm25":
        rankers.append(DenseRanker.load(folder, encoder))
    if settings.method != "dense":
        rankers.append(Bm25Ranker.load(folder))
    units = [(chunk_id, None if span is None else (span[0], span[1])) for chunk_id, span in saved["units"]]
    return Index(settings, rankers, units, encoder)


def _made_by(settings: Retrieval) -> dict[str, str]:
    """Return what decides what an index holds."""
    return {"method": settings.method, "unit": settings.unit}
