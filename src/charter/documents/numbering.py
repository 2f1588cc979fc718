"""Which of the numbered lines of a text are its headings: those whose numbers fit the numbers around them."""

import re
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

Number = tuple[int, ...]
"""2.1 is (2, 1); the letters of appendices come after all numbers."""

_NUMBER = re.compile(r"(\d{1,3}(?:\.\d{1,3})*|[A-Z](?:\.\d{1,3})+)[.)]?\s+(?=\S)")
_TITLE = re.compile(r"[\"'“„«‘(¿¡]?[^\W\d_]")
_LETTERS = 1000
_LEAST_CHAPTERS = 3


def read_number(text: str, listed: bool = False) -> Number | None:
    """Read the number at the beginning of a line: 2, 2.1, 2.1.3), A.1.

    A letter must follow it, unless the line is known to be a title that the contents list: "3.7 /etc".
    """
    match = _NUMBER.match(text)
    if match is None or not (listed or _TITLE.match(text, match.end())):
        return None
    parts = match[1].split(".")
    return tuple(int(part) if part.isdigit() else _LETTERS + ord(part) for part in parts)


def fitting(numbers: Mapping[int, Number], alone: Collection[int]) -> list[int]:
    """Choose the lines whose numbers make one numbering; the others are items of lists, rows and references.

    Sections (2.1) are the longest rising sequence, without those that follow on no neighbour. Chapters (2)
    must count on between them. Where there are no sections, there must be three chapters, and each has to
    be one of those ``alone``, with text below them that isn't numbered. Lines are known by their index.
    """
    sections = _rising([(index, number) for index, number in numbers.items() if len(number) > 1])
    follows = [_follows(*pair) for pair in pairwise([(), *(numbers[index] for index in sections)])] + [False]
    sections = [index for index, beside in zip(sections, pairwise(follows), strict=False) if any(beside)]
    single = [(index, number[0]) for index, number in numbers.items() if len(number) == 1]
    if not sections:
        chapters = _counting([(index, number) for index, number in single if index in alone], 1, None)
        return chapters if len(chapters) >= _LEAST_CHAPTERS else []
    chapters = []
    bounds = [(-1, 0), *((index, numbers[index][0]) for index in sections), (max(numbers) + 1, None)]
    places = [index for index, _ in single]
    for (start, before), (end, after) in pairwise(bounds):
        if before != after:
            inside = single[bisect_left(places, start) : bisect_left(places, end)]
            chapters += _counting(inside, (before or 0) + 1, after)
    return sorted([*sections, *chapters])


def _rising(numbered: Sequence[tuple[int, Number]]) -> list[int]:
    """The indices of the longest strictly rising subsequence; of equal numbers, the first."""
    tails: list[Number] = []
    last: list[int] = []
    before: dict[int, int | None] = {}
    for index, number in numbered:
        place = bisect_left(tails, number)
        if number not in tails[place : place + 1]:
            before[index] = last[place - 1] if place else None
            tails[place : place + 1] = [number]
            last[place : place + 1] = [index]
    chain = []
    at = last[-1] if last else None
    while at is not None:
        chain.append(at)
        at = before[at]
    return chain[::-1]


def _follows(before: Number, number: Number) -> bool:
    """Whether a number may stand after another: after 2.1, 2.1.1, 2.2 and 3, and any later 5.1 or A.1."""
    differ = (place for place, (a, b) in enumerate(zip(before, number, strict=False)) if a != b)
    same = next(differ, len(before))
    first_below = all(part <= 1 for part in number[same + 1 :])
    if same == len(before):
        return first_below and (number[same] <= 1 or same == 0)
    return first_below and (len(number) > same + 1 or number[same] == before[same] + 1)


def _counting(single: Sequence[tuple[int, int]], first: int, last: int | None) -> list[int]:
    """Choose the chapters from ``first`` on; the ``last`` one is that nearest to its first section.

    A number right after its predecessor that is no chapter goes on with a list.
    """
    own = [place for place, (_, number) in enumerate(single) if number == last][-1:]
    chosen: list[int] = []
    expected = first
    for place, (index, number) in enumerate(single[: own[0]] if own else single):
        in_list = place > 0 and single[place - 1][1] == number - 1 and single[place - 1][0] not in chosen
        if (
            not in_list
            and number != last
            and (number == expected or number == 0 < expected == 1 > len(chosen))
        ):
            chosen.append(index)
            expected = number + 1
    return chosen + [single[place][0] for place in own]
