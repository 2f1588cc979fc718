"""From lines on pages to running text with Markdown headings."""

import re
from collections.abc import Sequence

from charter.documents.lines import Layout, TextLine, bullet_end
from charter.documents.segmentation import UNSPACED

_HEADING_MARK = re.compile(r"^#{1,6}\s")


def reflow(lines: Sequence[TextLine], pages: int) -> tuple[str, tuple[int, ...]]:
    """Join lines to paragraphs, list items and table rows, each of which ends in a line break.

    A line goes on in the next one when it is full, also over a page break. Paragraphs are parted by a
    blank line, headings stand as ``## Title`` in a paragraph of their own, and a ``#`` that begins another
    line is escaped.

    Returns:
        The text, and for each page the offset at which it begins; an empty page begins where the next does.
    """
    body = [line for line in lines if line.level == 0]
    layout = Layout.of(lines)
    words = {word.casefold() for line in body for word in re.findall(r"[\w-]+", line.text)}
    text = ""
    starts: dict[int, int] = {}
    previous = TextLine("", 0)
    for line in lines:
        if not line.text:
            previous = line
            continue
        if text:
            text += _separator(previous, line, layout)
        if text.endswith("-") and previous.text.endswith("-") and not _keeps_hyphen(text, line.text, words):
            text = text[:-1]
        starts.setdefault(line.page, len(text))
        bullet = 0 if line.level else bullet_end(line.text)
        content = f"- {line.text[bullet:]}" if bullet else line.text
        if line.level:
            content = f"{'#' * line.level} {content}"
        elif _HEADING_MARK.match(content):
            content = f"\\{content}"
        text += content
        previous = line
    for page in reversed(range(pages)):
        starts.setdefault(page, starts.get(page + 1, len(text)))
    return text + "\n", tuple(starts[page] for page in range(pages))


def _separator(line: TextLine, following: TextLine, layout: Layout) -> str:
    """What stands between two lines."""
    if not line.text or line.level or following.level:
        return "\n\n"
    early = layout.ends_early(line, following)
    if following.is_item and (early or line.ends_sentence):
        return "\n"
    if following.text[0].islower() and line.text.endswith("-"):
        return ""
    if not early or (following.text[0].islower() and not line.ends_sentence):
        return "" if UNSPACED.match(line.text[-1]) and UNSPACED.match(following.text) else " "
    return "\n\n" if line.ends_sentence else "\n"


def _keeps_hyphen(text: str, following: str, words: set[str]) -> bool:
    """Whether the hyphen that ends ``text`` belongs to the word and not to the line break.

    It does when the text has the hyphenated word elsewhere and not the plain one.
    """
    first = re.search(r"[\w-]+$", text)
    second = re.match(r"\w+", following)
    if first is None or second is None:
        return True
    hyphenated = (first[0] + second[0]).casefold()
    plain = (first[0][:-1] + second[0]).casefold()
    return hyphenated in words and plain not in words
