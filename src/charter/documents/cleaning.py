"""Removing what is on the pages but not in the text: running headers, page numbers, tables of contents."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise, takewhile

from charter.documents.divisions import read_division
from charter.documents.lines import TextLine
from charter.documents.numbering import read_number

_EDGE = 4
"""How many lines at the top and at the bottom of a page may be running headers or footers."""

_NUMBER_LAST = re.compile(r"(?:.*[^\W\d].*\s)?(\d{1,4})|\W*(\d{1,4})\W*")
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
    numbered = _page_numbers(lines, pages) | _running_divisions(lines, pages)
    removed: set[int] = set()

    def runs(index: int) -> bool:
        return index in numbered or not recurring.isdisjoint(_patterns(lines[index]))

    for indices in pages.values():
        for edge in (indices[:_EDGE], indices[::-1][:_EDGE]):
            removed.update(takewhile(runs, edge))
    return [line for index, line in enumerate(lines) if index not in removed]


def _page_numbers(lines: list[TextLine], pages: Mapping[int, Sequence[int]]) -> set[int]:
    """Indices of outermost lines with the page's number, at the same distance to the page on most pages.

    A number in front of a title may be a chapter's, so it counts only beside numbers that stand last.
    """
    found: dict[int, dict[int, int]] = defaultdict(dict)
    last: Counter[int] = Counter()
    for page, indices in pages.items():
        for index in {indices[0], indices[-1]} if len(indices) > 1 else ():
            text = lines[index].text
            # "Article 5" on page 5 is a heading.
            if read_division(text) and len(re.findall(r"\d+", text)) == 1:
                continue
            if match := _NUMBER_LAST.fullmatch(text):
                distance = int(match[1] or match[2]) - page
                found[distance][page] = index
                last[distance] += 1
            elif match := _NUMBER_FIRST.fullmatch(text):
                found[int(match[1]) - page].setdefault(page, index)
    for distance, at_page in found.items():
        if len(at_page) >= max(3, 0.5 * len(pages)) and last[distance] >= max(3, 0.25 * len(pages)):
            return set(at_page.values())
    return set()


def _running_divisions(lines: list[TextLine], pages: Mapping[int, Sequence[int]]) -> set[int]:
    """Indices of outermost lines such as "CHAPTER 3. GIFTS 3.1. LIMITS", but of the first of each chapter.

    The kind of part must stand there on a third of the pages, with each number twice on the average: pages
    may begin with a mention of one.
    """
    found: dict[str, dict[int | None, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index in (edge for indices in pages.values() for edge in (indices[0], indices[-1])):
        if division := read_division(lines[index].text):
            found[division.kind][division.number].append(index)
    running: set[int] = set()
    for numbers in found.values():
        count = sum(map(len, numbers.values()))
        if count >= max(3, len(pages) / 3, 2 * len(numbers)):
            running.update(index for same in numbers.values() for index in same[1:])
    return running


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
    texts = {line.text for line in lines}
    tables: list[tuple[list[int], list[str]]] = []
    for run, listed in _entry_runs(lines):
        led = any(_LED_ENTRY.match(lines[index].text) for index in run)
        if led or (len(listed) >= 4 and 2 * sum(title in texts for title in listed) >= len(listed)):
            tables.append((run, listed))
    tables += [(run, [_title(lines[index]) for index in run]) for run in _numbered_runs(lines)]
    removed = {index for run, _ in tables for index in [*run, *_name_of_contents(lines, run[0])]}
    kept = [line for index, line in enumerate(lines) if index not in removed]
    return kept, [title for _, listed in tables for title in listed]


def _entry_runs(lines: list[TextLine]) -> list[tuple[list[int], list[str]]]:
    """Indices of neighbouring entries, blank lines aside, and their titles.

    One other line, the first of a title on two lines, may stand before an entry with leaders.
    """
    runs: list[tuple[list[int], list[str]]] = []
    since_entry: list[int] | None = None
    for index, line in enumerate(lines):
        if not line.text:
            continue
        led = _LED_ENTRY.match(line.text)
        entry = led or _PLAIN_ENTRY.match(line.text)
        if not entry:
            since_entry = [index] if since_entry == [] else None
            continue
        if since_entry is None or (since_entry and not led):
            runs.append(([], []))
            since_entry = []
        title = entry["title"].strip()
        if since_entry and not read_number(title, listed=True):
            title = f"{lines[since_entry[0]].text} {title}"
        runs[-1][0].extend([*since_entry, index])
        runs[-1][1].append(title)
        since_entry = []
    return runs


def _numbered_runs(lines: list[TextLine]) -> Iterator[list[int]]:
    """Go through the runs of neighbouring lines that all recur below, most of them numbered."""
    filled = [index for index, line in enumerate(lines) if line.text]
    last = {_title(lines[index]): place for place, index in enumerate(filled)}
    recurring = groupby(enumerate(filled), lambda entry: last[_title(lines[entry[1]])] > entry[0])
    for run in (list(entries) for recurs, entries in recurring if recurs):
        titles = [_title(lines[index]) for _, index in run]
        numbered = [title for title in titles if read_number(title, listed=True) or read_division(title)]
        places = sorted(last[title] for title in numbered if last[title] > run[-1][0])
        # The same list again is no text whose contents it might be.
        adjacent = sum(after == before + 1 for before, after in pairwise(places))
        if len(places) >= 4 and 2 * len(places) >= len(run) and 2 * adjacent <= len(places):
            yield [index for _, index in run]


def _title(line: TextLine) -> str:
    return line.text.lstrip("#*•- ")


def _name_of_contents(lines: list[TextLine], start: int) -> list[int]:
    """The line above a table of contents, where it may be its name."""
    before = next((index for index in range(start - 1, -1, -1) if lines[index].text), None)
    if before is None or lines[before].ends_sentence or len(_title(lines[before]).split()) > 3:
        return []
    return [before]
