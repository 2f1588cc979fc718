"""The way of each row of a trial of synthesis: what was written, what it scored, and what became of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from charter.project.records import Chunk
from charter.synthesis.synthetic_data import SyntheticData


@dataclass(frozen=True)
class PreviewedRow:
    """A row: ``outcome`` says that it was kept or why not, ``texts`` what is written of it, part by part."""

    kind: str
    kept: bool
    outcome: str
    texts: tuple[tuple[str, str], ...]
    scores: str


@dataclass(frozen=True)
class PreviewedChunk:
    """A passage and the rows that were written about it, those that were kept first."""

    chunk: Chunk
    rows: tuple[PreviewedRow, ...]


def preview_rows(data: SyntheticData) -> list[PreviewedChunk]:
    """Return the chunks of a trial in their order."""
    return [PreviewedChunk(chunk, tuple(_rows_of(data, chunk.id))) for chunk in data.chunks]


def _rows_of(data: SyntheticData, chunk_id: str) -> Iterator[PreviewedRow]:
    def show(kind: str, outcome: str, kept: bool, *texts: tuple[str, str]) -> PreviewedRow:
        given = data.scores.get(texts[0][1], {})
        scores = ", ".join(
            f"{name} {'unread' if score is None else f'{score:.2f}'}" for name, score in given.items()
        )
        return PreviewedRow(kind, kept, outcome, tuple(text for text in texts if text[1]), scores)

    for split, rows in data.instruct.items():
        for row in rows:
            if row.chunk_id == chunk_id:
                said = ("asked", row.question), ("answer", row.answer), ("rule", row.rule)
                yield show("question", f"kept for {split}", True, *said)
    for split, pairs in data.preference.items():
        for pair in pairs:
            if pair.chunk_id == chunk_id:
                replies = ("faithful", pair.chosen), ("unfaithful", pair.rejected)
                yield show(
                    "pair", f"kept for {split}", True, ("asked", pair.prompt), *replies, ("rule", pair.rule)
                )
    for refused in data.rejected:
        if refused.chunk_id == chunk_id:
            asked, *more = refused.raw.split("\n")
            texts = (("asked", asked), *(("then", text) for text in more))
            yield show(refused.kind, f"refused by {refused.filter}: {refused.reason}", False, *texts)
