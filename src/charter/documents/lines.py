"""Lines of a paged text: what a PDF or a plain text gives before it is running text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from charter.documents.segmentation import UNSPACED

_SENTENCE_END = re.compile(r"[.!?:;…。！？：；।॥؟؛۔։።][\"'”’»)\]」』]*$")
_BULLET = re.compile(r"^[•●▪◦‣■–—*-]\s+")
_ITEM_NUMBER = re.compile(r"^\(?(?:\d{1,2}|[a-zа-яα-ω]|[ivx]{1,4})[.)]\s")
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


@dataclass(frozen=True)
class Layout:
    """Where paragraphs begin and end on pages whose lines don't say it: a full line goes on in the next.

    ``width`` is what a full line has, the 90th percentile of the lines' lengths in characters.
    """

    lines: Sequence[TextLine]
    width: int

    @classmethod
    def of(cls, lines: Sequence[TextLine]) -> Self:
        """Measure the width of the lines; headings don't count."""
        lengths = sorted(len(line.text) for line in lines if line.text and not line.level)
        return cls(lines, lengths[len(lengths) * 9 // 10] if lengths else 0)

    def ends_early(self, line: TextLine, following: TextLine) -> bool:
        """Tell whether the first word of the following line would have fitted: the break was meant.

        Fonts are proportional, so a line counts as full from 85 % of the width.
        """
        text = following.text
        first_word = text[:1] if UNSPACED.match(text) else text.partition(" ")[0]
        return len(line.text) + 1 + len(first_word) <= 0.85 * self.width

    def begins_paragraph(self, index: int) -> bool:
        """Whether the line above has ended, or stands on another page."""
        if index == 0:
            return True
        above, line = self.lines[index - 1], self.lines[index]
        apart = not above.text or above.level > 0 or above.page != line.page
        return apart or above.ends_sentence or self.ends_early(above, line)

    def ends_paragraph(self, index: int) -> bool:
        """Whether the line below doesn't go on with this one."""
        if index + 1 == len(self.lines) or not (below := self.lines[index + 1]).text:
            return True
        return self.ends_early(self.lines[index], below) and not below.text[0].islower()
