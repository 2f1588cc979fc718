"""Questions put with passages in view, as retrieval puts them (RAFT: Zhang et al. 2024, arXiv 2403.10131)."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

import numpy as np

from charter.project.records import Chunk, InstructExample, Passage, Row, content_id
from charter.project.training_sections import OpenBook
from charter.project.yaml_text import parse_yaml

DISTRACTORS = 4
"""Of so many of the passages that retrieval finds besides the right one, the wrong ones are drawn."""


class OpenBookExample(Row):
    """A question, the passages shown with it, and the answer to learn."""

    id: str
    question: str
    passages: tuple[str, ...]
    answer: str


def open_book_examples(
    rows: Sequence[InstructExample],
    found: Sequence[Sequence[Passage]],
    chunks: Mapping[str, Chunk],
    settings: OpenBook,
    shown: int,
    seed: int,
) -> list[OpenBookExample]:
    """Put shares of the rows with passages, ``shown`` of them each.

    A share ``settings.right`` of the rows is put with the passage that supports the answer, among wrong ones
    if more are shown. A share ``settings.wrong`` is put with wrong ones alone; there the answer to learn is
    that the document doesn't say, where `unanswered` knows the words. Wrong ones are what retrieval finds for
    the question besides the right one: ``found``, for each row, best first.
    """
    random = np.random.default_rng(seed)

    def wrong(place: int) -> list[str]:
        own = rows[place].chunk_id
        others = [passage.chunk_id for passage in found[place] if passage.chunk_id != own][:DISTRACTORS]
        return [others[drawn] for drawn in random.permutation(len(others))]

    def put(place: int, ids: Sequence[str], answer: str) -> OpenBookExample:
        row = rows[place]
        order = [ids[drawn] for drawn in random.permutation(len(ids))]
        return OpenBookExample(
            id=content_id(row.id, *order),
            question=row.question,
            passages=tuple(chunks[chunk_id].text for chunk_id in order),
            answer=answer,
        )

    def drawn(share: float) -> list[int]:
        return sorted(random.permutation(len(rows))[: round(share * len(rows))].tolist())

    examples = [
        put(place, [rows[place].chunk_id, *wrong(place)[: shown - 1]], rows[place].answer)
        for place in drawn(settings.right)
    ]
    for place in drawn(settings.wrong):
        ids, replies = wrong(place)[:shown], unanswered(chunks[rows[place].chunk_id].language)
        if ids and replies:
            examples.append(put(place, ids, replies[random.integers(len(replies))]))
    return examples


def unanswered(language: str | None) -> list[str]:
    """Return ways to say in a language (ISO 639-3) that the document doesn't say; none if it isn't known."""
    return _sentences().get(language or "", [])


@cache
def _sentences() -> dict[str, list[str]]:
    file = resources.files("charter.training") / "unanswered.yaml"
    sentences: dict[str, list[str]] = parse_yaml(file.read_text(encoding="utf-8"))
    return sentences
