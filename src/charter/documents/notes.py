"""Raised numbers: a footnote's mark must not become a part of the word or number that it stands behind."""

import re
from collections import Counter
from collections.abc import Sequence

RAISED_BEGINS = "\ue004"
RAISED_ENDS = "\ue005"
"""What stands in a text for the tags of raised text, in code points that no document has."""

_RAISED = re.compile(f"(.?){RAISED_BEGINS}([^{RAISED_BEGINS}]*?){RAISED_ENDS}", re.DOTALL)
_CARETS = re.compile(r"\^(\d{1,3})\^")
_MARK = re.compile(r"\s*[\[(]?\s*(?:[\d,\s]+|[*†‡§¶]+)\s*[\])]?\s*")
_EXPONENT = re.compile(r"[+−-]?\d{1,3}")
_SUPERSCRIPTS = str.maketrans("0123456789+-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")
_GLUED = re.compile(r"([^\W\d_]+)([.,;:!?]?[”’\"')\]]?)(\d{1,3})(?=[\s,;:)]|\.(?!\d)|$)")
_FOOTNOTE = re.compile(r"\s*(\d{1,3})(?:\s|$)")


def place_raised(text: str) -> str:
    """Write raised text as running text.

    A number behind punctuation is the mark of a note, and goes. Behind a letter or digit it may be an
    exponent, and becomes superscript digits: 10². Elsewhere it stays, as do raised letters: 1er, 2nd.
    """
    return _RAISED.sub(_place, _CARETS.sub(f"{RAISED_BEGINS}\\1{RAISED_ENDS}", text))


def _place(match: re.Match[str]) -> str:
    before, raised = match[1], match[2].strip()
    if not before.strip():
        return before + raised
    if before.isalnum() and _EXPONENT.fullmatch(raised):
        return before + raised.translate(_SUPERSCRIPTS)
    if before.isalnum() and (marks := re.findall(r"\d+", raised)) and _MARK.fullmatch(raised):
        return before + " ".join(mark.translate(_SUPERSCRIPTS) for mark in marks)
    return before if _MARK.fullmatch(raised) else before + raised


def raise_marks(pages: Sequence[str]) -> list[str]:
    """Part the marks of footnotes from the words of a PDF, which doesn't say what is raised.

    A number behind a word is a mark where a line further down its page begins with it. Directly behind a
    letter ("libc6") the word must also occur without a number, and only once with it.
    """
    words = Counter(word for page in pages for word in re.findall(r"\w+", page))
    notes: set[int] = set()

    def place(match: re.Match[str]) -> str:
        word, between, number = match.groups()
        if int(number) not in notes or not (between or (words[word] and words[word + number] == 1)):
            return match[0]
        return word + (between or number.translate(_SUPERSCRIPTS))

    raised = []
    for page in pages:
        notes.clear()
        lines = []
        for line in reversed(page.split("\n")):
            lines.append(_GLUED.sub(place, line))
            if match := _FOOTNOTE.match(line):
                notes.add(int(match[1]))
        raised.append("\n".join(reversed(lines)))
    return raised
