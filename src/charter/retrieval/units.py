"""What is searched and shown: chunks whole, or their sentences one by one."""

from collections.abc import Sequence

from charter.documents.lines import TextLine
from charter.documents.segmentation import LINE_BREAK, Span, sentence_spans, split_spans
from charter.project.records import Chunk
from charter.project.sections import RetrievalUnit

Unit = tuple[Chunk, Span | None]
"""A chunk, and the part of its text that is meant; None is all of it."""


def units_of(chunks: Sequence[Chunk], unit: RetrievalUnit) -> list[Unit]:
    """Return what is searched, in the documents' order."""
    if unit == "chunk":
        return [(chunk, None) for chunk in chunks]
    return [(chunk, span) for chunk in chunks for span in readable_sentences(chunk)]


def search_text(chunk: Chunk, span: Span | None = None) -> str:
    """Return the text by which a unit is found: its own behind headings, which often name the subject.

    Before a chunk these are all above it; before a sentence the nearest alone, since more would outweigh it.
    """
    if span is None:
        return "\n".join((*chunk.headings, chunk.text))
    return "\n".join((*chunk.headings[-1:], chunk.narrowed(span).text))


def readable_sentences(chunk: Chunk) -> list[Span]:
    """Return the sentences of a chunk; what ends in a colon goes on with what it introduces.

    That is the next sentence, or the items of a list that follow it: "accept cash" alone doesn't say whether
    one must or must not.
    """
    spans: list[Span] = []
    introduced = in_list = False
    for line in split_spans(chunk.text, 0, len(chunk.text), LINE_BREAK):
        is_item = TextLine(chunk.text[slice(*line)], page=0).is_item
        in_list = in_list and is_item
        for start, end in sentence_spans(chunk.text, *line, chunk.language):
            if introduced or in_list:
                spans[-1] = (spans[-1][0], end)
                in_list = is_item
            else:
                spans.append((start, end))
            introduced = chunk.text[:end].endswith((":", "："))
    return spans
