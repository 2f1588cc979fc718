"""Questions put with passages in view, as retrieval puts them (RAFT: Zhang et al. 2024, arXiv 2403.10131)."""

from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from importlib import resources

import numpy as np

from charter.project.records import Chunk, InstructExample, Passage, content_id
from charter.project.training_sections import OpenBook
from charter.project.yaml_text import parse_yaml
from charter.retrieval.index import Index
from charter.training.examples import OpenBookExample


def open_book_examples(
    rows: Sequence[InstructExample], chunks: Sequence[Chunk], index: Index, settings: OpenBook, seed: int
) -> list[OpenBookExample]:
    """Put shares of the rows with the ``settings.passages`` that ``index`` finds for the question.

    A share ``settings.right`` of the rows is put with what is found; where what the answer rests on isn't
    among it, that stands in place of the last. ``settings.answer`` says in which words it is answered, and
    where that is a ``sentence`` the share is of the rows that rest on one. A share ``settings.wrong`` is put
    with what is found elsewhere than in the row's own chunk; there the answer to learn is that the document
    doesn't say, where `unanswered` knows the words.
    """
    random = np.random.default_rng(seed)
    found = _Found(rows, chunks, index, settings.passages)

    def drawn(share: float, of: Sequence[InstructExample]) -> list[InstructExample]:
        return [of[place] for place in sorted(random.permutation(len(of))[: round(share * len(of))])]

    by_sentence = settings.answer == "sentence"
    answerable = [row for row in rows if row.support] if by_sentence else rows
    examples = [
        found.put(row, found.right(row), row.support if by_sentence else row.answer)
        for row in drawn(settings.right, answerable)
    ]
    for row in drawn(settings.wrong, rows):
        shown, replies = found.wrong(row), unanswered(found.chunks[row.chunk_id].language)
        if shown and replies:
            examples.append(found.put(row, shown, replies[random.integers(len(replies))]))
    return examples


class _Found:
    """What retrieval finds for the question of each row."""

    def __init__(
        self, rows: Sequence[InstructExample], chunks: Sequence[Chunk], index: Index, shown: int
    ) -> None:
        self.chunks = {chunk.id: chunk for chunk in chunks}
        self._shown = shown
        self._own: defaultdict[str, list[Passage]] = defaultdict(list)
        for chunk_id, span in index.units:
            self._own[chunk_id].append(Passage(chunk_id=chunk_id, score=0.0, span=span))
        # So many that enough are left without those of a row's own chunk.
        count = self._shown + max(map(len, self._own.values()))
        found = index.search([row.question for row in rows], count)
        self._found = {row.id: passages for row, passages in zip(rows, found, strict=True)}

    def right(self, row: InstructExample) -> list[Passage]:
        """Return passages with that which the answer rests on among them."""
        first = list(self._found[row.id][: self._shown])
        if any(self._holds(passage, row) for passage in first):
            return first
        own = self._own[row.chunk_id]
        return [*first[: self._shown - 1], next((each for each in own if self._holds(each, row)), own[0])]

    def wrong(self, row: InstructExample) -> list[Passage]:
        """Return passages of other chunks; none where nothing is found there."""
        others = [passage for passage in self._found[row.id] if passage.chunk_id != row.chunk_id]
        return others[: self._shown]

    def put(self, row: InstructExample, shown: Sequence[Passage], answer: str) -> OpenBookExample:
        """Return the question with passages, and an answer."""
        texts = tuple(self._text(passage) for passage in shown)
        return OpenBookExample(
            id=content_id(row.id, *texts), question=row.question, passages=texts, answer=answer
        )

    def _holds(self, passage: Passage, row: InstructExample) -> bool:
        return passage.chunk_id == row.chunk_id and row.support in self._text(passage)

    def _text(self, passage: Passage) -> str:
        return self.chunks[passage.chunk_id].narrowed(passage.span).text


def unanswered(language: str | None) -> list[str]:
    """Return ways to say in a language (ISO 639-3) that the document doesn't say; none if it isn't known."""
    return _sentences().get(language or "", [])


@cache
def _sentences() -> dict[str, list[str]]:
    file = resources.files("charter.training") / "unanswered.yaml"
    sentences: dict[str, list[str]] = parse_yaml(file.read_text(encoding="utf-8"))
    return sentences
