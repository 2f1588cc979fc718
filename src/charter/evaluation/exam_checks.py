"""What is wrong with an exam: every fault, with the place where it stands."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import NamedTuple, TypeVar

from pydantic import ValidationError

from charter.evaluation.grouping import grouped
from charter.project.errors import CharterError
from charter.project.exam_records import Dilemma, ExamQuestion
from charter.project.records import Row

RowType = TypeVar("RowType", bound=Row)
Value = TypeVar("Value")

Placed = tuple[str, RowType]
"""A row, and where it stands: file and line, or sheet and row."""


class Finding(NamedTuple):
    """Something found in a row: where it stands, and what it is."""

    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


def parse_placed(
    values: Iterable[tuple[str, Value]], parse: Callable[[Value], RowType]
) -> tuple[list[Placed[RowType]], list[Finding]]:
    """Make a row of each value, beside its place; return them, and what is wrong with the other values."""
    rows: list[Placed[RowType]] = []
    faults: list[Finding] = []
    for place, value in values:
        try:
            rows.append((place, parse(value)))
        except ValidationError as error:
            for item in error.errors():
                field = ".".join(str(part) for part in item["loc"]) or "line"
                faults.append(Finding(place, f"{field}: {item['msg']}"))
    return rows, faults


def find_faults(
    questions: Sequence[Placed[ExamQuestion]], dilemmas: Sequence[Placed[Dilemma]]
) -> list[Finding]:
    """Return what is wrong with the rows by themselves and with one another."""
    faults = [Finding(place, fault) for place, row in questions for fault in _of_question(row)]
    faults += [Finding(place, fault) for place, row in dilemmas for fault in _of_dilemma(row)]
    names = [(place, row.id) for place, row in questions] + [(place, row.id) for place, row in dilemmas]
    counts = Counter(name for _, name in names)
    faults += [
        Finding(place, f"the id {name} comes {counts[name]} times; each row needs its own")
        for place, name in names
        if counts[name] > 1
    ]
    return faults + _of_pairs(dilemmas)


def raise_faults(faults: Sequence[Finding], doubts: Sequence[Finding] = ()) -> None:
    """Raise a CharterError that names all faults, if there are any, and what is doubtful behind them."""
    if faults:
        count = "a fault" if len(faults) == 1 else f"{len(faults)} faults"
        lines = [*map(str, faults), *(f"look again: {doubt}" for doubt in doubts)]
        raise CharterError(f"the exam has {count}; mend and add it again:\n" + "\n".join(lines))


def _of_question(row: ExamQuestion) -> list[str]:
    needed = {"section": row.section, "question": row.question, "answer 1": "".join(row.references)}
    found = [f"{name} is empty" for name, text in needed.items() if not text.strip()]
    texts = [*row.references, *row.must_not_say, *(text for fact in row.key_facts for text in fact)]
    if any(not text.strip() for text in texts) or any(not fact for fact in row.key_facts):
        found.append("one of its answers, key facts or words that it must not say is an empty text")
    if row.kind == "unanswerable":
        if row.key_facts or row.quote or row.polarity:
            found.append("what the document doesn't answer has no key facts, no quote and no yes or no")
        if not row.why.strip():
            found.append("say in `why` what is near it, and why that doesn't answer it")
        return found
    if not row.key_facts:
        found.append("key facts are missing: what a right answer must hold")
    if not row.quote.strip():
        found.append("the quote is missing: the words of the document that decide it")
    return found


def _of_dilemma(row: Dilemma) -> list[str]:
    needed = {
        "section": row.section,
        "scenario": row.scenario,
        "the faithful reply": row.faithful,
        "the unfaithful reply": row.unfaithful,
        "the quote": row.quote,
    }
    found = [f"{name} is empty" for name, text in needed.items() if not text.strip()]
    if row.faithful == row.unfaithful and row.faithful.strip():
        found.append("the faithful and the unfaithful reply are the same")
    return found


def _of_pairs(dilemmas: Sequence[Placed[Dilemma]]) -> list[Finding]:
    paired = (placed for placed in dilemmas if placed[1].pair is not None)
    pairs = {str(name): members for name, members in grouped(paired, lambda placed: placed[1].pair).items()}
    faults = []
    for name, members in pairs.items():
        place = members[0][0]
        if len(members) != 2:
            others = get_close_matches(name, [other for other in pairs if other != name], n=1)
            meant = f"; is {others[0]} the same one?" if others else ""
            faults.append(Finding(place, f"pair {name} has {len(members)} rows, and a pair is of two{meant}"))
            continue
        (_, first), (_, second) = members
        if (first.faithful, first.unfaithful) != (second.unfaithful, second.faithful):
            faults.append(
                Finding(place, f"the replies of pair {name} must be the same two, with roles changed")
            )
        if first.scenario == second.scenario:
            faults.append(Finding(place, f"the scenarios of pair {name} don't differ"))
    return faults
