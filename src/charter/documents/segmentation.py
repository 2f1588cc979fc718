"""Sentences and words of a text, in any script."""

import re
import unicodedata
from collections.abc import Iterator

Span = tuple[int, int]
"""Start and end in a text."""

LINE_BREAK = re.compile(r"\n\s*")

_SENTENCE_BREAK = re.compile(r"(?<=[.!?…])[\"'”’»)\]]*\s+|(?<=[。！？])")
_ABBREVIATION = re.compile(
    r"(?<![^\s(])(?:\w|\w\.\w|no|art|sec|para|mr|mrs|ms|dr|st|vs|etc|cf|e\.g|i\.e)\.$", re.I
)
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, kana and Han: written without spaces, so each character is a word."""


def split_sentences(text: str) -> list[str]:
    """Return the sentences of a text; a line break ends one too. The number of a list item is no sentence."""
    return [
        text[start:end]
        for line in split_spans(text, 0, len(text), LINE_BREAK)
        for start, end in sentence_spans(text, *line)
    ]


def sentence_spans(text: str, start: int, end: int) -> Iterator[Span]:
    """Go through the sentences of a span without line breaks, blanks at their ends left out."""
    begins = start
    for match in _SENTENCE_BREAK.finditer(text, start, end):
        following = text[match.end() : match.end() + 1]
        if following.islower() or _ABBREVIATION.search(text, begins, match.start()):
            continue
        yield from stripped_span(text, begins, match.end())
        begins = match.end()
    yield from stripped_span(text, begins, end)


def split_spans(text: str, start: int, end: int, boundary: re.Pattern[str]) -> Iterator[Span]:
    """Go through what lies between boundaries, without blanks at the ends."""
    begins = start
    for match in boundary.finditer(text, start, end):
        yield from stripped_span(text, begins, match.start())
        begins = match.end()
    yield from stripped_span(text, begins, end)


def stripped_span(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield the span without blanks at its ends, unless nothing is left."""
    part = text[start:end]
    if solid := part.strip():
        start += len(part) - len(part.lstrip())
        yield start, start + len(solid)


def split_words(text: str) -> list[str]:
    """Return the lower-case runs of letters, marks and digits; single characters in unspaced scripts."""
    kept = (
        character if unicodedata.category(character)[0] in "LMN" else " "
        for character in unicodedata.normalize("NFC", text.lower())
    )
    return _UNSPACED.sub(r" \g<0> ", "".join(kept)).split()
