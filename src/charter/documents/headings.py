"""Finding the headings among the lines of a paged text."""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from charter.documents.lines import TextLine, column_width, ends_early

_NUMBERED = re.compile(r"^(?P<number>\d{1,3}(?:\.\d{1,3})*)\.?\s+[^\W\d_]")
_MAX_WORDS = 12


@dataclass(frozen=True)
class StyledText:
    """Text that stands out by its type: where it begins, its lines as on the page, the level it suggests."""

    page: int
    lines: tuple[str, ...]
    level: int


def mark_headings(
    lines: list[TextLine], contents: Collection[str], styled: Collection[StyledText]
) -> list[TextLine]:
    """Give headings their level; the lines of a wrapped heading become one.

    A heading is a line that the table of contents lists, that continues a numbering (``2``, ``2.1``),
    that is called Article 5 or Chapter II. Only where there are none of these, headings are guessed: from
    what stands out by its type, which the PDF reader often gets wrong, if it also stands as a title does;
    and, one level lower, from the short line between the end of a paragraph and a full line.

    Args:
        lines: The lines, without running headers and tables of contents.
        contents: The titles that tables of contents listed.
        styled: What stands out by its type.
    """
    by_start = {(text.page, text.lines[0]): text for text in styled}
    numbered = _numbered_sections(lines)
    levels = [
        numbered.get(index) or _level_by_name(line, contents, by_start.get((line.page, line.text)))
        for index, line in enumerate(lines)
    ]
    if any(levels):
        return [replace(line, level=level) for line, level in zip(lines, levels, strict=True)]
    return _mark_short(_mark_styled(lines, by_start))


def _mark_styled(lines: list[TextLine], by_start: dict[tuple[int, str], StyledText]) -> list[TextLine]:
    """Mark what stands out by its type and as a title."""
    width = column_width(lines)
    marked: list[TextLine] = []
    index = 0
    while index < len(lines):
        line = lines[index]
        style = by_start.get((line.page, line.text))
        if style and _stands_as_title(style, lines, index, width):
            marked.append(replace(line, text=" ".join(style.lines), level=style.level))
            index += len(style.lines)
        else:
            marked.append(line)
            index += 1
    return marked


def _mark_short(lines: list[TextLine]) -> list[TextLine]:
    """Mark short lines that stand between the end of a paragraph and the first, full line of the next."""
    width = column_width(lines)
    level = min(max((line.level for line in lines), default=0) + 1, 6)
    marked = lines[:1]
    for before, line, following in zip(lines, lines[1:], lines[2:], strict=False):
        short = (
            not line.level
            and line.text[:1].isalnum()
            and _looks_like_title(line.text)
            and (before.level or before.ends_sentence)
            and len(following.text) > 0.7 * width
            and following.text[0].isupper()
            and ends_early(line, following, width)
        )
        marked.append(replace(line, level=level) if short else line)
    return marked + lines[1:][-1:]


def _numbered_sections(lines: list[TextLine]) -> dict[int, int]:
    """Levels, by line index, of sections (``2.1``) and of the chapters that stand before their first section.

    A lone ``2.`` may number a list, and a number seen before may be a reference.
    """
    levels: dict[int, int] = {}
    seen: set[str] = set()
    chapters: dict[str, int] = {}
    for index, line in enumerate(lines):
        match = _NUMBERED.match(line.text)
        if match is None or not _looks_like_title(line.text) or match["number"] in seen:
            continue
        chapter, _, section = match["number"].partition(".")
        if not section:
            chapters[chapter] = index
            continue
        seen.add(match["number"])
        levels[index] = min(match["number"].count(".") + 1, 6)
        if chapter not in seen:
            seen.add(chapter)
            if chapter in chapters:
                levels[chapters[chapter]] = 1
    return levels


def _level_by_name(line: TextLine, contents: Collection[str], style: StyledText | None) -> int:
    """The level of a line that the contents list or that is named as an article is; 0 for another line."""
    if line.text not in contents and not (line.names_article and _looks_like_title(line.text)):
        return 0
    if number := _NUMBERED.match(line.text):
        return min(number["number"].count(".") + 1, 6)
    return style.level if style else 1


def _looks_like_title(text: str) -> bool:
    first_letter = next((character for character in text if character.isalpha()), "a")
    return (
        len(text.split()) <= _MAX_WORDS
        and not first_letter.islower()
        and not text.endswith((".", ",", ";", ":"))
    )


def _stands_as_title(style: StyledText, lines: list[TextLine], index: int, width: int) -> bool:
    """Whether styled text looks like a title and isn't the beginning of a paragraph."""
    end = index + len(style.lines)
    if tuple(line.text for line in lines[index:end]) != style.lines:
        return False
    if not _looks_like_title(" ".join(style.lines)) or end == len(lines):
        return False
    following = lines[end]
    return ends_early(lines[end - 1], following, width) and not following.text[:1].islower()
