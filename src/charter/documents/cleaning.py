"""Removing what is on the pages but not in the text: running headers, page numbers, tables of contents."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile

from charter.documents.divisions import read_division
from charter.documents.lines import TextLine
from charter.documents.numbering import read_number

_EDGE = 4
"""How many lines at the top and at the bottom of a page may be running headers or footers."""

_NUMBER_ALONE = re.compile(r"\W*(\d{1,4})\W*")
_NUMBER_LAST = re.compile(r".*[^\W\d].*\s(\d{1,4})")
_NUMBER_FIRST = re.compile(r"(\d{1,4})\s.*[^\W\d].*")

_LED_ENTRY = re.compile(r"^(?P<title>.*?\S)\s*(?:[.·…_]\s?){4,}\s*(?:\d{1,4}|[ivxlc]+)$")
_PLAIN_ENTRY = re.compile(r"^(?P<title>.*[^\W\d].*?)\s+\d{1,4}$")


def remove_running_lines(lines: list[TextLine]) -> list[TextLine]:
    """Remove running headers, running footers and page numbers.

    Such a line stands outermost on many pages, and is the same but for a number that goes with the page.
    One that begins or ends with the chapter's name is known by the words that stay the same, or by the page
    number beside the name.
    """
    pages: dict[int, list[int]] = {}
    for index, line in enumerate(lines):
        if line.text:
            pages.setdefault(line.page, []).append(index)
    pages_with = Counter(
        pattern
        for indices in pages.values()
        for pattern in {
            pattern for index in indices[:_EDGE] + indices[-_EDGE:] for pattern in _patterns(lines[index])
        }
    )
    least = {
        "whole": 2 if len(pages) <= 3 else max(3, 0.3 * len(pages)),
        "part": max(3, 0.5 * len(pages)),
    }
    recurring = {pattern for pattern, count in pages_with.items() if count >= least[pattern[0]]}
    numbered = _page_numbers(lines, pages)
    removed: set[int] = set()

    def runs(index: int) -> bool:
        return index in numbered or not recurring.isdisjoint(_patterns(lines[index]))

    for indices in pages.values():
        for edge in (indices[:_EDGE], indices[::-1][:_EDGE]):
            removed.update(takewhile(runs, edge))
    return [line for index, line in enumerate(lines) if index not in removed]


def _page_numbers(lines: list[TextLine], pages: Mapping[int, Sequence[int]]) -> set[int]:
    """Indices of lines with the page's number, outermost, alone or beside a title; at most one a page.

    The number of most pages must have the same distance to the page. One in front of a title may be a
    chapter's, so it counts only beside numbers that stand alone or last, and only where its page has none.
    """
    found: dict[int, dict[int, tuple[int, int]]] = {}
    for page, indices in pages.items():
        for index in {indices[0], indices[-1]} if len(indices) > 1 else ():
            line = lines[index]
            for rank, place in enumerate((_NUMBER_ALONE, _NUMBER_LAST, _NUMBER_FIRST)):
                # "Article 5" on page 5 is a heading.
                own = rank and read_division(line.text) and len(re.findall(r"\d+", line.text)) == 1
                if (match := place.fullmatch(line.text)) and not own:
                    at_page = found.setdefault(int(match[1]) - page, {})
                    at_page[page] = min(at_page.get(page, (rank, index)), (rank, index))
    for at_page in found.values():
        beside = sum(rank < 2 for rank, _ in at_page.values())
        if len(at_page) >= max(3, 0.5 * len(pages)) and beside >= max(3, 0.25 * len(pages)):
            return {index for _, index in at_page.values()}
    return set()


def _patterns(line: TextLine) -> Iterator[tuple[str, str]]:
    """What of a running line may stay the same: each number as it is, or one as its distance to the page."""
    words = line.text.casefold().split()
    text = " ".join(words)
    yield "whole", text
    # One article a page counts as page numbers do.
    for number in [] if read_division(line.text) else re.finditer(r"\d{1,4}", text):
        distance = int(number[0]) - line.page
        yield "whole", f"{text[: number.start()]}@{distance}{text[number.end() :]}"
    if len(words) > 3:
        yield "part", f"{' '.join(words[:3])} …"
        yield "part", f"… {' '.join(words[-3:])}"


def remove_contents(lines: list[TextLine]) -> tuple[list[TextLine], list[str]]:
    """Remove tables of contents; return the other lines, and the titles that the tables listed.

    An entry ends in a page number, after dot leaders or in the neighbourhood of such entries. A run of
    entries without any leaders is only removed when it is long and most of its titles recur in the text; so
    is one of numbered titles without page numbers, as texts and pages of the web have.
    """
    removed: set[int] = set()
    titles: list[str] = []
    texts = Counter(line.text for line in lines)
    for run in _entry_runs(lines):
        listed = _listed_titles([lines[index].text for index in run])
        led = any(_LED_ENTRY.match(lines[index].text) for index in run)
        recurring = sum(title in texts for title in listed)
        if led or (len(listed) >= 4 and 2 * recurring >= len(listed)):
            titles += listed
            removed |= {*run, *_name_of_contents(lines, run[0])}
    for run in _numbered_runs(lines):
        titles += [_title(lines[index]) for index in run]
        removed |= {*run, *_name_of_contents(lines, run[0])}
    return [line for index, line in enumerate(lines) if index not in removed], titles


def _entry(text: str) -> re.Match[str] | None:
    return _LED_ENTRY.match(text) or _PLAIN_ENTRY.match(text)


def _listed_titles(entries: Sequence[str]) -> list[str]:
    """The titles of a run of entries; what is no entry is the first line of the next one's title."""
    titles = []
    begun = ""
    for text in entries:
        entry = _entry(text)
        title = entry["title"].strip() if entry else text
        begun = title if read_number(title, listed=True) else f"{begun} {title}".strip()
        if entry:
            titles.append(begun)
            begun = ""
    return titles


def _entry_runs(lines: list[TextLine]) -> list[list[int]]:
    """Indices of neighbouring entries, blank lines aside.

    One other line, the first of a title on two lines, may stand before an entry with leaders.
    """
    runs: list[list[int]] = []
    since_entry: list[int] | None = None
    for index, line in enumerate(lines):
        if not line.text:
            continue
        if not _entry(line.text):
            since_entry = [index] if since_entry == [] else None
            continue
        if since_entry == [] or (since_entry and _LED_ENTRY.match(line.text)):
            runs[-1] += [*since_entry, index]
        else:
            runs.append([index])
        since_entry = []
    return runs


def _numbered_runs(lines: list[TextLine]) -> Iterator[list[int]]:
    """Go through the runs of neighbouring lines that all recur below, most of them numbered.

    One line that doesn't recur, such as a title on two lines, may stand between them.
    """
    last = {_title(line): index for index, line in enumerate(lines)}
    run: list[int] = []
    skipped: list[int] = []
    for index, line in [*enumerate(lines), (len(lines), TextLine("", 0))]:
        if index < len(lines) and not line.text:
            continue
        if line.text and last[_title(line)] > index:
            run += [*skipped, index] if run else [index]
            skipped = []
        elif line.text and not skipped:
            skipped = [index]
        else:
            titles = [_title(lines[entry]) for entry in run]
            numbered = [
                last[title]
                for title in titles
                if (read_number(title, listed=True) or read_division(title)) and last[title] > run[-1]
            ]
            # The same list again is no text whose contents it might be.
            items = sum(0 < _depth(lines, at) == _depth(lines, at + 1) for at in numbered)
            if len(numbered) >= 4 and 2 * len(numbered) >= len(run) and 2 * items <= len(numbered):
                yield run
            run, skipped = [], []


def _depth(lines: list[TextLine], start: int) -> int:
    """How deep the number of the first line from here on is that has text: 2 for 2.1, 0 for none."""
    text = next((_title(line) for line in lines[start : start + 3] if line.text), "")
    return len(read_number(text, listed=True) or ())


def _title(line: TextLine) -> str:
    return line.text.lstrip("#*•- ")


def _name_of_contents(lines: list[TextLine], start: int) -> list[int]:
    """The line above a table of contents, where it may be its name."""
    before = next((index for index in range(start - 1, -1, -1) if lines[index].text), None)
    if before is None or lines[before].ends_sentence or len(_title(lines[before]).split()) > 3:
        return []
    return [before]
