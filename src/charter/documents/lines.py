"""Lines of a paged text: what a PDF or a plain text gives before it is running text."""

import re
from dataclasses import dataclass

from charter.project.records import DIVISIONS

_SENTENCE_END = re.compile(r"[.!?:;…。！？][\"'”’»)\]]*$")
_NAMED = re.compile(
    rf"^(?:{DIVISIONS})\s+(?:\d{{1,3}}|[ivxlc]{{1,6}}|[a-z])\b[^.;,]*$",
    re.IGNORECASE,
)


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
    def names_article(self) -> bool:
        """Whether it is called as a part of a law or a code is: Article 5, Chapter II."""
        return _NAMED.match(self.text) is not None


def count_letters(text: str) -> int:
    """Return how many letters and digits a text has: how much it says, without blanks, marks and leaders."""
    return sum(map(str.isalnum, text))


def column_width(lines: list[TextLine]) -> int:
    """Return the characters that a full line has: the 90th percentile of the lines' lengths."""
    lengths = sorted(len(line.text) for line in lines if line.text)
    return lengths[len(lengths) * 9 // 10] if lengths else 0


def ends_early(line: TextLine, following: TextLine, width: int) -> bool:
    """Tell whether the first word of the following line would have fitted: the break was meant.

    Fonts are proportional, so a line counts as full from 85 % of the width.
    """
    first_word = following.text.split(maxsplit=1)[0] if following.text else ""
    return len(line.text) + 1 + len(first_word) <= 0.85 * width
