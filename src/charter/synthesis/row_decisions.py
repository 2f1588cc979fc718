"""What people decided of rows of the data, settled row by row."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from charter.project.appended import read_appended
from charter.project.records import content_id
from charter.project.review_records import AnyDecision, DataRow, RowDecision, row_texts

Outcome = Literal["accepted", "edited", "rejected", "disputed"]


@dataclass(frozen=True)
class Settled:
    """What counts of the decisions on one row: the last of each reviewer, in the order of their times."""

    decisions: Sequence[RowDecision]

    @property
    def outcome(self) -> Outcome:
        """What they come to; disputed where not all want the same words, or not all want the row."""
        wanted = [decision.wanted for decision in self.decisions]
        if len({row and tuple(row_texts(row).values()) for row in wanted}) > 1:
            return "disputed"
        if (row := wanted[0]) is None:
            return "rejected"
        # An id is a hash of the words that the row was written in.
        same = content_id(row.chunk_id, *row_texts(row).values()) == row.id
        return "accepted" if same else "edited"

    @property
    def wanted(self) -> DataRow | None:
        """The row as they all want it, None where it is rejected or disputed."""
        return None if self.outcome == "disputed" else self.decisions[0].wanted

    @property
    def reviewers(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(decision.reviewer for decision in self.decisions)

    @property
    def reason(self) -> str:
        """Who decided what and why, in a line."""
        said = [
            f"{each.reviewer}: {each.decision}" + (f" ({each.reason})" if each.reason else "")
            for each in self.decisions
        ]
        return f"{self.outcome}: {', '.join(said)}"


def read_decisions(path: Path, kind: type[AnyDecision]) -> tuple[list[AnyDecision], int]:
    """Read all decisions of a file, earlier ones first, and count the torn lines.

    Raises:
        CharterError: The file is broken.
    """
    decisions, torn = read_appended(path, kind)
    # Lines of two branches that git merged are in no order.
    return sorted(decisions, key=lambda decision: decision.time), torn


def reviewer_key(name: str) -> str:
    """Return what tells reviewers apart: their names, however they are spaced and in whatever case."""
    return " ".join(name.split()).casefold()


def settle(decisions: Iterable[RowDecision]) -> Mapping[str, Settled]:
    """Return what counts on each row, by its id; ``decisions`` are in the order of their times."""
    return {row_id: Settled(last) for row_id, last in last_decisions(decisions).items()}


def last_decisions(decisions: Iterable[AnyDecision]) -> Mapping[str, list[AnyDecision]]:
    """Return the last decision of each reviewer on each thing, by its id."""
    found: dict[str, dict[str, AnyDecision]] = defaultdict(dict)
    for decision in decisions:
        found[decision.about][reviewer_key(decision.reviewer)] = decision
    return {about: list(last.values()) for about, last in found.items()}
