"""Sentences and words of a text, in any script; sentencex knows where sentences end."""

import re
import unicodedata
from collections.abc import Iterator

from sentencex import get_sentence_boundaries

from charter.documents.language_codes import short_code

Span = tuple[int, int]
"""Start and end in a text."""

LINE_BREAK = re.compile(r"\n\s*")

_ITEM_MARK = re.compile(r"\W*(?:[\d.]+|[a-z]|[ivxl]+)?\W*", re.IGNORECASE)
_CLOSING = tuple(".,;:!?)]}”’»")
_SHORT_FORM = re.compile(r"(?<!\w)[^\W\d_]{1,4}\.\s*$")
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, kana and Han: written without spaces, so each character is a word."""


def split_sentences(text: str, language: str | None = None) -> list[str]:
    """Return the sentences of a text; a line break ends one too. The number of a list item is no sentence.

    ``language`` is an ISO 639-3 code, as `Document.language`; English where it isn't known.
    """
    return [
        text[start:end]
        for line in split_spans(text, 0, len(text), LINE_BREAK)
        for start, end in sentence_spans(text, *line, language)
    ]


def sentence_spans(text: str, start: int, end: int, language: str | None = None) -> Iterator[Span]:
    """Go through the sentences of a span without line breaks, blanks at their ends left out."""
    begins = start
    for boundary in get_sentence_boundaries(short_code(language) or "en", text[start:end]):
        ends = start + boundary["end_index"]
        sentence = text[begins:ends]
        following = text[ends : min(ends + 1, end)]
        # No blank after it is no end: ".tar.{gz,xz}". Scripts without blanks have other marks.
        goes_on = following.islower() or following in _CLOSING or sentence[-1] in ".?!"
        short_form = following.isdigit() and _SHORT_FORM.search(sentence)
        if following and (goes_on or short_form or _ITEM_MARK.fullmatch(sentence)):
            continue
        yield from stripped_span(text, begins, ends)
        begins = ends


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
    return UNSPACED.sub(r" \g<0> ", "".join(kept)).split()


def count_words(text: str) -> int:
    """Count the words of a text; of unspaced scripts, two characters make one, as most words have two."""
    words = split_words(text)
    unspaced = sum(UNSPACED.match(word) is not None for word in words)
    return len(words) - unspaced // 2
