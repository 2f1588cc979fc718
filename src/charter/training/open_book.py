"""Questions put with passages in view, as retrieval puts them (RAFT: Zhang et al. 2024, arXiv 2403.10131)."""

from collections.abc import Sequence
from functools import cache
from importlib import resources

import numpy as np

from charter.project.records import Chunk, InstructExample, Row, content_id
from charter.project.training_sections import OpenBook
from charter.project.yaml_text import parse_yaml

NEAR = 4
"""Wrong passages are drawn from so many on either side of the right one, whose subjects are near."""


class OpenBookExample(Row):
    """A question, the passages shown with it, and the answer to learn."""

    id: str
    question: str
    passages: tuple[str, ...]
    answer: str


def open_book_examples(
    rows: Sequence[InstructExample], chunks: Sequence[Chunk], settings: OpenBook, seed: int
) -> list[OpenBookExample]:
    """Put shares of the rows with passages, ``settings.passages`` of them each.

    A share ``settings.right`` of the rows is put with the passage that supports the answer, among wrong
    ones if more are shown; ``settings.answer`` says in which words it is answered, and where that is a
    ``sentence`` the share is of the rows that rest on one. A share ``settings.wrong`` is put with wrong ones
    alone; there the answer to learn is that the document doesn't say, where `unanswered` knows the words.
    ``chunks`` are in the documents' order.
    """
    random = np.random.default_rng(seed)
    places = {chunk.id: place for place, chunk in enumerate(chunks)}

    def drawn(share: float, of: Sequence[InstructExample]) -> list[InstructExample]:
        return [of[place] for place in sorted(random.permutation(len(of))[: round(share * len(of))])]

    def wrong(row: InstructExample, count: int) -> list[Chunk]:
        own = places[row.chunk_id]
        near = [place for place in range(max(0, own - NEAR), own + NEAR + 1) if place != own]
        others = [chunks[place] for place in near if place < len(chunks)]
        return [others[place] for place in random.permutation(len(others))[:count]]

    def put(row: InstructExample, shown: Sequence[Chunk], answer: str) -> OpenBookExample:
        order = [shown[place] for place in random.permutation(len(shown))]
        return OpenBookExample(
            id=content_id(row.id, *(chunk.id for chunk in order)),
            question=row.question,
            passages=tuple(chunk.text for chunk in order),
            answer=answer,
        )

    examples = []
    answerable = [row for row in rows if row.support] if settings.answer == "sentence" else rows
    for row in drawn(settings.right, answerable):
        shown = [chunks[places[row.chunk_id]], *wrong(row, settings.passages - 1)]
        examples.append(put(row, shown, row.support if settings.answer == "sentence" else row.answer))
    for row in drawn(settings.wrong, rows):
        shown, replies = wrong(row, settings.passages), unanswered(chunks[places[row.chunk_id]].language)
        if shown and replies:
            examples.append(put(row, shown, replies[random.integers(len(replies))]))
    return examples


def unanswered(language: str | None) -> list[str]:
    """Return ways to say in a language (ISO 639-3) that the document doesn't say; none if it isn't known."""
    return _sentences().get(language or "", [])


@cache
def _sentences() -> dict[str, list[str]]:
    file = resources.files("charter.training") / "unanswered.yaml"
    sentences: dict[str, list[str]] = parse_yaml(file.read_text(encoding="utf-8"))
    return sentences
