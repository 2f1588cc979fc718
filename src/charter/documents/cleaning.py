"""Removing what is on the pages but not in the text: running headers, page numbers, tables of contents."""

import re
from collections import Counter
from collections.abc import Iterator

from charter.documents.lines import Line

_EDGE = 4
"""How many lines at the top and at the bottom of a page may be running headers or footers."""

_LED_ENTRY = re.compile(r"^(?P<title>.*?\S)\s*(?:[.·…_]\s?){4,}\s*(?:\d{1,4}|[ivxlc]+)$")
_PLAIN_ENTRY = re.compile(r"^(?P<title>.*[^\W\d].*?)\s+\d{1,4}$")


def remove_running_lines(lines: list[Line]) -> list[Line]:
    """Remove running headers, running footers and page numbers.

    Such a line stands outermost on many pages, and is the same but for a number that goes with the page.
    One that begins or ends with the chapter's name is known by the words that stay the same.
    """
    pages: dict[int, list[int]] = {}
    for index, line in enumerate(lines):
        if line.text:
            pages.setdefault(line.page, []).append(index)
    edges = [edge for indices in pages.values() for edge in (indices[:_EDGE], indices[::-1][:_EDGE])]
    pages_with = Counter(
        pattern
        for indices in pages.values()
        for pattern in {
            pattern for index in indices[:_EDGE] + indices[-_EDGE:] for pattern in _patterns(lines[index])
        }
    )
    least = {
        "whole": 2 if len(pages) <= 3 else max(3, 0.3 * len(pages)),
        "start": max(3, 0.5 * len(pages)),
        "end": max(3, 0.5 * len(pages)),
    }
    running: set[int] = set()
    for edge in edges:
        for index in edge:
            if all(pages_with[pattern] < least[pattern[0]] for pattern in _patterns(lines[index])):
                break
            running.add(index)
    return [line for index, line in enumerate(lines) if index not in running]


def _patterns(line: Line) -> Iterator[tuple[str, str]]:
    """What of a running line may stay the same: each number as it is, or one as its distance to the page."""
    words = line.text.casefold().split()
    text = " ".join(words)
    yield "whole", text
    # One article a page counts as page numbers do.
    for number in [] if line.names_article else re.finditer(r"\d{1,4}", text):
        distance = int(number[0]) - line.page
        yield "whole", f"{text[: number.start()]}@{distance}{text[number.end() :]}"
    if len(words) > 3:
        yield "start", " ".join(words[:3])
        yield "end", " ".join(words[-3:])


def remove_contents(lines: list[Line]) -> tuple[list[Line], list[str]]:
    """Remove tables of contents; return the other lines, and the titles that the tables listed.

    An entry ends in a page number, after dot leaders or in the neighbourhood of such entries. A run of
    entries without any leaders is only removed when it is long and most of its titles recur in the text.
    """
    removed: set[int] = set()
    titles: list[str] = []
    texts = Counter(line.text for line in lines)
    for run in _entry_runs(lines):
        listed = [entry["title"].strip() for index in run if (entry := _entry(lines[index].text))]
        led = any(_LED_ENTRY.match(lines[index].text) for index in run)
        recurring = sum(title in texts for title in listed)
        if led or (len(listed) >= 4 and 2 * recurring >= len(listed)):
            titles += listed
            removed.update(run)
            before = next((index for index in range(run[0] - 1, -1, -1) if lines[index].text), None)
            if before is not None and _may_name_contents(lines[before]):
                removed.add(before)
    return [line for index, line in enumerate(lines) if index not in removed], titles


def _entry(text: str) -> re.Match[str] | None:
    return _LED_ENTRY.match(text) or _PLAIN_ENTRY.match(text)


def _entry_runs(lines: list[Line]) -> list[list[int]]:
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


def _may_name_contents(line: Line) -> bool:
    return len(line.text.lstrip("# ").split()) <= 3 and not line.ends_sentence
