"""Finding the headings among the lines of a paged text."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from charter.documents.divisions import Division, names_division, read_division, titled
from charter.documents.lines import TextLine, column_width, ends_early
from charter.documents.numbering import Number, fitting, read_number
from charter.documents.segmentation import split_words

_MAX_WORDS = 12
_MAX_UNSPACED = 30
"""Characters of a title in a script without blanks, in which each counts as a word."""

_MOST_TITLE_LINES = 3


@dataclass(frozen=True)
class StyledText:
    """Text that stands out by its type: where it begins, its lines as on the page, the level it suggests."""

    page: int
    lines: tuple[str, ...]
    level: int


def mark_headings(
    lines: Sequence[TextLine], contents: Collection[str], styled: Collection[StyledText]
) -> list[TextLine]:
    """Give headings their level; the lines of a wrapped heading become one.

    A heading is a line that is underlined, that the table of contents lists, whose number fits the numbers
    around it (``2``, ``2.1``), or that is called Article 5 or Chapter II. Only where there are none of these,
    headings are guessed: from what stands out by its type, which the PDF reader often gets wrong, if it also
    stands as a title does; and, one level lower, from the short line between the end of a paragraph and a
    full line.

    Args:
        lines: The lines, without running headers and tables of contents; underlined ones have their level.
        contents: The titles that tables of contents listed.
        styled: What stands out by its type.
    """
    by_start = {(text.page, text.lines[0]): text for text in styled}
    width = column_width(lines)
    joined = _join_divisions(_join_listed(lines, contents), width)
    underlined = {index: line.level for index, line in enumerate(joined) if line.level}
    levels = underlined | _listed_levels(joined, contents, by_start) | _outline(joined, width)
    if levels:
        return [replace(line, level=levels.get(index, line.level)) for index, line in enumerate(joined)]
    return _mark_short(_mark_styled(joined, by_start, width), width)


def _join_listed(lines: Sequence[TextLine], contents: Collection[str]) -> list[TextLine]:
    """Join the lines of a wrapped title that the table of contents lists whole."""
    listed = {_key(title) for title in contents}
    starts = {" ".join(title.split()[:2]) for title in listed}
    joined: list[TextLine] = []
    index = 0
    while index < len(lines):
        taken = 1
        text = _key(lines[index].text)
        if " ".join(text.split()[:2]) in starts and text not in listed:
            for count in range(2, _MOST_TITLE_LINES + 1):
                if _key(" ".join(line.text for line in lines[index : index + count])) in listed:
                    taken = count
        text = " ".join(line.text for line in lines[index : index + taken])
        joined.append(replace(lines[index], text=text))
        index += taken
    return joined


def _join_divisions(lines: Sequence[TextLine], width: int) -> list[TextLine]:
    """Join "CHAPTER" and "SEVEN", and what has a number only, such as "Chapter 7", with its title below."""
    joined: list[TextLine] = []
    index = 0
    while index < len(lines):
        line = lines[index]
        end = index + 1
        if names_division(line.text) and end < len(lines) and len(lines[end].text.split()) == 1:
            line = replace(line, text=f"{line.text} {lines[end].text}")
            end += 1
        division = read_division(line.text)
        if division and not division.title and _starts_paragraph(lines, index, width):
            below = end + (end + 1 < len(lines) and not lines[end].text)
            if taken := _title_lines(lines, below, width):
                title = " ".join(part.text for part in lines[below : below + taken])
                line = replace(line, text=titled(line.text, title))
                end = below + taken
        elif end > index + 1 and not division:
            line, end = lines[index], index + 1
        joined.append(line)
        index = end
    return joined


def _title_lines(lines: Sequence[TextLine], index: int, width: int) -> int:
    """How many lines from here are a title that isn't numbered itself; one of capitals may be wrapped."""
    if index + 1 >= len(lines) or not lines[index].text:
        return 0
    line = lines[index]
    if not _looks_like_title(line.text) or read_division(line.text) or read_number(line.text) or line.is_item:
        return 0
    if line.text.isupper():
        rest = lines[index : index + _MOST_TITLE_LINES]
        count = next((n for n, part in enumerate(rest) if not part.text.isupper()), len(rest))
        return next((n for n in range(1, count) if read_division(rest[n].text)), count)
    following = lines[index + 1]
    return int(not following.text or (ends_early(line, following, width) and not following.text[0].islower()))


def _listed_levels(
    lines: Sequence[TextLine], contents: Collection[str], by_start: Mapping[tuple[int, str], StyledText]
) -> dict[int, int]:
    """Levels, by line index, of the lines that the contents list, as often as they do."""
    left = Counter(_key(title) for title in contents)
    levels = {}
    for index, line in enumerate(lines):
        if left[_key(line.text)] > 0:
            left[_key(line.text)] -= 1
            number = read_number(line.text, listed=True)
            style = by_start.get((line.page, line.text))
            levels[index] = min(len(number), 6) if number else style.level if style else 1
    return levels


def _outline(lines: Sequence[TextLine], width: int) -> dict[int, int]:
    """Levels, by line index, of what is numbered: divisions, and below the last kind of them sections."""
    divisions = {
        index: division
        for index, line in enumerate(lines)
        if (division := read_division(line.text)) and _stands_as_division(division, lines, index, width)
    }
    numbers: dict[int, Number] = {}
    alone = set()
    for index, line in enumerate(lines):
        if number := read_number(line.text):
            stands_alone = len(number) == 1 and _stands_alone(lines, index, width)
            between_blanks = (
                stands_alone and index and not lines[index - 1].text and not lines[index + 1].text
            )
            if _looks_like_title(line.text.removesuffix(".") if between_blanks else line.text):
                numbers[index] = number
                if stands_alone:
                    alone.add(index)
    sections = fitting(numbers, alone)
    levels = _division_levels(divisions, {index: numbers[index][0] for index in sections})
    above = max(max(levels.values(), default=1) - 1, 0)
    return {index: min(len(numbers[index]) + above, 6) for index in sections} | levels


def _division_levels(divisions: Mapping[int, Division], chapters: Mapping[int, int]) -> dict[int, int]:
    """Levels of divisions: a kind that counts on without a gap stands above a more frequent one inside it.

    Where sections are numbered as well, a kind whose first number is neither 1 nor the chapter of the section
    below it refers to another text.

    Args:
        divisions: What begins as a part does, by line index.
        chapters: The first numbers of the sections, by line index.
    """
    places = list(chapters)
    members: dict[str, list[tuple[int, int | None]]] = {}
    for index, division in divisions.items():
        kind = members.setdefault(division.kind, [])
        before = kind[-1][1] if kind else None
        number = division.number
        if number is None or before is None or number > before or (number == 1 and before > 1):
            kind.append((index, number))
    for name in list(members) if chapters else []:
        index, number = members[name][0]
        below = chapters.get(next(iter(places[bisect_right(places, index) :]), -1))
        if number not in (1, None, below):
            del members[name]
    outer = [found for found in members.values() if _counts_on([number for _, number in found])]
    levels: dict[int, int] = {}
    for found in members.values():
        above = [
            other
            for other in outer
            if len(other) < len(found) < 2 * sum(index > other[0][0] for index, _ in found)
        ]
        levels |= {index: min(len(above) + 1, 5) for index, _ in found}
    return levels


def _counts_on(numbers: Sequence[int | None]) -> bool:
    pairs = zip([0, *numbers], numbers, strict=False)
    return all(number is None or before is None or number in (before + 1, 1) for before, number in pairs)


def _starts_paragraph(lines: Sequence[TextLine], index: int, width: int) -> bool:
    """Whether the line above has ended, or stands on another page, so that this one doesn't go on with it."""
    if index == 0:
        return True
    above, line = lines[index - 1], lines[index]
    ended = above.ends_sentence or above.level > 0 or read_division(above.text) is not None
    return not above.text or above.page != line.page or ended or ends_early(above, line, width)


def _stands_as_division(division: Division, lines: Sequence[TextLine], index: int, width: int) -> bool:
    """Whether a line is the heading of a part, and no reference to one that happens to begin the line."""
    text = lines[index].text
    if text[0].islower() or text.endswith((".", ",", ";", ":")):
        return False
    following = lines[index + 1] if index + 1 < len(lines) else TextLine("", 0)
    short = ends_early(lines[index], following, width) and not following.text[:1].islower()
    return (not division.title or _looks_like_title(division.title)) and (
        short or _starts_paragraph(lines, index, width)
    )


def _stands_alone(lines: Sequence[TextLine], index: int, width: int) -> bool:
    """Whether a line is a paragraph of its own, above text that is no item of a list."""
    below = next((later for later in lines[index + 1 : index + 4] if later.text), None)
    if (
        below is None
        or below.is_item
        or read_number(below.text)
        or not _starts_paragraph(lines, index, width)
    ):
        return False
    following = lines[index + 1]
    return not following.text or (ends_early(lines[index], following, width) and not below.text[0].islower())


def _mark_styled(
    lines: Sequence[TextLine], by_start: Mapping[tuple[int, str], StyledText], width: int
) -> list[TextLine]:
    """Mark what stands out by its type and as a title."""
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


def _mark_short(lines: Sequence[TextLine], width: int) -> list[TextLine]:
    """Mark short lines that stand between the end of a paragraph and the first, full line of the next."""
    level = min(max((line.level for line in lines), default=0) + 1, 6)
    marked = list(lines[:1])
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
    return [*marked, *lines[1:][-1:]]


def _looks_like_title(text: str) -> bool:
    first_letter = next((character for character in text if character.isalpha()), "a")
    return (
        len(text.split()) <= _MAX_WORDS
        and len(split_words(text)) <= _MAX_UNSPACED
        and not first_letter.islower()
        and not text.endswith((".", ",", ";", ":", "。", "；", "："))
    )


def _stands_as_title(style: StyledText, lines: Sequence[TextLine], index: int, width: int) -> bool:
    """Whether styled text looks like a title and isn't the beginning of a paragraph."""
    end = index + len(style.lines)
    if tuple(line.text for line in lines[index:end]) != style.lines:
        return False
    if not _looks_like_title(" ".join(style.lines)) or end == len(lines):
        return False
    following = lines[end]
    return ends_early(lines[end - 1], following, width) and not following.text[:1].islower()


def _key(title: str) -> str:
    return " ".join(title.split()).casefold()
