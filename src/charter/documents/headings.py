"""Finding the headings among the lines of a paged text."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise, takewhile

from charter.documents.divisions import Division, names_division, read_division, titled
from charter.documents.lines import Layout, TextLine
from charter.documents.numbering import fitting, read_number
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

    A heading is a line that is underlined, that the contents list, whose number fits those around it (``2``,
    ``2.1``), or that is called Article 5 or Chapter II. Only where there are none of these, headings are
    guessed: from what stands out by its type, which the PDF reader often gets wrong, if it also stands as a
    title does; and, one level lower, from the short line between the end of a paragraph and a full line.
    """
    by_start = {(text.page, text.lines[0]): text for text in styled}
    layout = Layout.of(_join_wrapped(lines, contents))
    listed = _listed_levels(layout.lines, contents, by_start)
    underlined = {index: line.level for index, line in enumerate(layout.lines) if line.level}
    levels = underlined | listed | _outline(layout, listed)
    if levels:
        return [replace(line, level=levels.get(index, 0)) for index, line in enumerate(layout.lines)]
    return _mark_short(Layout(_mark_styled(layout, by_start), layout.width))


def _join_wrapped(lines: Sequence[TextLine], contents: Collection[str]) -> list[TextLine]:
    """Join the lines of a title that the contents list whole, or whose number is on a line of its own.

    Such numbers are "CHAPTER" above "SEVEN" and, above a title, "Chapter 7".
    """
    layout = Layout.of(lines)
    listed = {title.casefold() for title in contents}
    joined: list[TextLine] = []
    index = 0
    while index < len(lines):
        part = takewhile(lambda line: line.text, lines[index : index + _MOST_TITLE_LINES])
        wholes = list(accumulate((line.text for line in part), "{} {}".format))
        ends = (n for n, whole in enumerate(wholes, 1) if whole.casefold() in listed)
        named = len(wholes) > 1 and names_division(wholes[0]) and read_division(wholes[1]) is not None
        end = index + next(ends, 2 if named else 1)
        text = wholes[end - index - 1] if wholes else ""
        division = read_division(text)
        if division and not division.title and layout.begins_paragraph(index):
            below = end + (end + 1 < len(lines) and not lines[end].text)
            if taken := _title_lines(layout, below):
                end = below + taken
                text = titled(text, " ".join(line.text for line in lines[below:end]))
        joined.append(replace(lines[index], text=text))
        index = end
    return joined


def _title_lines(layout: Layout, index: int) -> int:
    """How many lines from here are a title that isn't numbered itself; one of capitals may be wrapped."""
    rest = layout.lines[index : index + _MOST_TITLE_LINES]
    numbered = [bool(read_division(line.text) or read_number(line.text) or line.is_item) for line in rest]
    if len(rest) < 2 or numbered[0] or not _looks_like_title(rest[0].text):
        return 0
    if rest[0].text.isupper():
        ends = (n for n, line in enumerate(rest) if numbered[n] or not line.text.isupper())
        return next(ends, len(rest))
    return int(layout.ends_paragraph(index))


def _listed_levels(
    lines: Sequence[TextLine], contents: Collection[str], by_start: Mapping[tuple[int, str], StyledText]
) -> dict[int, int]:
    """Levels, by line index, of the lines that the contents list, as often as they do."""
    left = Counter(title.casefold() for title in contents)
    levels = {}
    for index, line in enumerate(lines):
        if left[key := line.text.casefold()] > 0:
            left[key] -= 1
            number = read_number(line.text, listed=True)
            style = by_start.get((line.page, line.text))
            levels[index] = min(len(number), 6) if number else style.level if style else 1
    return levels


def _outline(layout: Layout, listed: Collection[int]) -> dict[int, int]:
    """Levels, by line index, of what is numbered: divisions, and below the last kind of them sections.

    Sections of a chapter whose heading isn't known stand as high as chapters, not below the one before.
    """
    divisions = {}
    numbers = {}
    for index, line in enumerate(layout.lines):
        if (division := read_division(line.text)) and _is_heading(division, layout, index):
            divisions[index] = division
        elif (number := read_number(line.text, index in listed)) and (
            index in listed or _looks_like_title(line.text)
        ):
            numbers[index] = number
    alone = [index for index, number in numbers.items() if len(number) == 1 and _stands_alone(layout, index)]
    sections = fitting(numbers, set(alone))
    levels = _division_levels(divisions, {index: numbers[index][0] for index in sections})
    above = max(levels.values(), default=1) - 1
    known = {numbers[index] for index in sections}
    unheaded = {index for index in sections if not levels and numbers[index][:1] not in known}
    return levels | {index: min(len(numbers[index]) - (index in unheaded) + above, 6) for index in sections}


def _is_heading(division: Division, layout: Layout, index: int) -> bool:
    """Whether a line is the heading of a part, and no reference to one that happens to begin the line."""
    text = layout.lines[index].text
    if text[0].islower() or text.endswith((".", ",", ";", ":")):
        return False
    title = _looks_like_title(division.title) if division.title else layout.begins_paragraph(index)
    return title and (division.title.isupper() or layout.ends_paragraph(index))


def _stands_alone(layout: Layout, index: int) -> bool:
    """Whether a line is a paragraph of its own, above text that is no item of a list."""
    below = next((later for later in layout.lines[index + 1 : index + 4] if later.text), None)
    if below is None or below.is_item or read_number(below.text):
        return False
    return layout.begins_paragraph(index) and layout.ends_paragraph(index)


def _division_levels(divisions: Mapping[int, Division], chapters: Mapping[int, int]) -> dict[int, int]:
    """Levels of divisions: a kind that counts on without a gap stands above a more frequent one inside it.

    Where sections are numbered as well, a kind whose first number is neither 1 nor the chapter of the section
    below it refers to another text. ``chapters`` has the first numbers of the sections, by line index.
    """
    kinds: dict[str, dict[int, int | None]] = {}
    for index, division in divisions.items():
        kind = kinds.setdefault(division.kind, {})
        number = division.number
        if not kind:
            below = next((chapter for place, chapter in chapters.items() if place > index), 1)
            counts = not chapters or number in (1, None, below)
        else:
            before = next(reversed(kind.values()))
            counts = number is None or before is None or number > before or number == 1 < before
        if counts:
            kind[index] = number
    levels: dict[int, int] = {}
    for kind in kinds.values():
        outer = (
            min(other)
            for other in kinds.values()
            if 0 < len(other) < len(kind) and _counts_on(list(other.values()))
        )
        above = sum(2 * sum(index > first for index in kind) > len(kind) for first in outer)
        levels |= dict.fromkeys(kind, min(above + 1, 5))
    return levels


def _counts_on(numbers: Sequence[int | None]) -> bool:
    pairs = pairwise([0, *numbers])
    return all(number is None or before is None or number in (before + 1, 1) for before, number in pairs)


def _mark_styled(layout: Layout, by_start: Mapping[tuple[int, str], StyledText]) -> list[TextLine]:
    """Mark what stands out by its type and as a title, and isn't the beginning of a paragraph."""
    marked: list[TextLine] = []
    index = 0
    while index < len(layout.lines):
        line = layout.lines[index]
        style = by_start.get((line.page, line.text))
        end = index + (len(style.lines) if style else 1)
        whole = " ".join(part.text for part in layout.lines[index:end])
        complete = end < len(layout.lines) and layout.ends_paragraph(end - 1)
        if style and complete and whole == " ".join(style.lines) and _looks_like_title(whole):
            marked.append(replace(line, text=whole, level=style.level))
            index = end
        else:
            marked.append(line)
            index += 1
    return marked


def _mark_short(layout: Layout) -> list[TextLine]:
    """Mark short lines that stand between the end of a paragraph and the first, full line of the next."""
    level = min(max((line.level for line in layout.lines), default=0) + 1, 6)
    marked = list(layout.lines)
    for index, (above, line, below) in enumerate(zip(marked, marked[1:], marked[2:], strict=False), 1):
        short = (
            not line.level
            and line.text[:1].isalnum()
            and _looks_like_title(line.text)
            and (layout.lines[index - 1].level or above.ends_sentence)
            and len(below.text) > 0.7 * layout.width
            and below.text[0].isupper()
            and layout.ends_early(line, below)
        )
        if short:
            marked[index] = replace(line, level=level)
    return marked


def _looks_like_title(text: str) -> bool:
    first_letter = next((character for character in text if character.isalpha()), "a")
    short = len(text.split()) <= _MAX_WORDS and len(split_words(text)) <= _MAX_UNSPACED
    return short and not first_letter.islower() and not text.endswith(tuple(".,;:。，、；：।॥،؛۔"))
