"""Raised numbers: a footnote's mark must not become a part of the word or number that it stands behind."""

import re

RAISED_BEGINS = "\ue004"
RAISED_ENDS = "\ue005"
"""What stands in a text for the tags of raised text, in code points that no document has."""

_RAISED = re.compile(f"(.?){RAISED_BEGINS}([^{RAISED_BEGINS}]*?){RAISED_ENDS}", re.DOTALL)
_CARETS = re.compile(r"\^(\d{1,3})\^")
_MARK = re.compile(r"\s*[\[(]?\s*(?:[\d,\s]+|[*†‡§¶]+)\s*[\])]?\s*")
_EXPONENT = re.compile(r"[+−-]?\d{1,3}")
_SUPERSCRIPTS = str.maketrans("0123456789+-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")


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
