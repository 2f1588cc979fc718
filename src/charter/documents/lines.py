"""Lines of a paged text: what a PDF or a plain text gives before it is running text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_SENTENCE_END = re.compile(r"[.!?:;…。！？][\"'”’»)\]]*$")
_BULLET = re.compile(r"^[•●▪◦‣■–—*-]\s+")
_ITEM_NUMBER = re.compile(r"^\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)]\s")
_LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
# The reader of PDFs leaves U+0002 for a hyphen at the end of a line that it joined with the next.
_CHARACTERS = str.maketrans(_LIGATURES | dict.fromkeys("\0\x02\xad", ""))


@dataclass(frozen=True)
class TextLine:
    """A line as it stands on a page: ``page`` counts from 0, ``level`` is that of a heading, 0 in the body.

    An empty ``text`` is a blank line.
    """

    text: str
    page: int
    level: int = 0

    @property
    def ends_sentence(self) -> bool:
        """Whether it ends as a sentence or a clause does, and not in the middle of one."""
        return _SENTENCE_END.search(self.text) is not None

    @property
    def is_item(self) -> bool:
        """Whether it begins as an item of a list does."""
        return bullet_end(self.text) > 0 or _ITEM_NUMBER.match(self.text) is not None


def bullet_end(text: str) -> int:
    """Return where the text behind a bullet begins; 0 where there is no bullet."""
    bullet = _BULLET.match(text)
    return bullet.end() if bullet else 0


def clean_characters(text: str) -> str:
    """Take ligatures apart, and leave out what marks where a word may be or was hyphenated."""
    return text.translate(_CHARACTERS)


def count_letters(text: str) -> int:
    """Return how many letters and digits a text has: how much it says, without blanks, marks and leaders."""
    return sum(map(str.isalnum, text))


def column_width(lines: Sequence[TextLine]) -> int:
    """Return the characters that a full line has: the 90th percentile of the lines' lengths."""
    lengths = sorted(len(line.text) for line in lines if line.text)
    return lengths[len(lengths) * 9 // 10] if lengths else 0


def ends_early(line: TextLine, following: TextLine, width: int) -> bool:
    """Tell whether the first word of the following line would have fitted: the break was meant.

    Fonts are proportional, so a line counts as full from 85 % of the width.
    """
    first_word = following.text.split(maxsplit=1)[0] if following.text else ""
    return len(line.text) + 1 + len(first_word) <= 0.85 * width
