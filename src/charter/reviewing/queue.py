"""What people review one by one, what they decided, and what each of them may see of the others."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic

from charter.project.appended import append_row
from charter.project.citations import citation_of
from charter.project.records import Chunk
from charter.project.review_records import AnyDecision
from charter.synthesis.row_decisions import last_decisions, read_decisions, reviewer_key


class NoSuchItemError(Exception):
    """There is nothing of that id to review."""


class DecisionError(Exception):
    """A decision that says too little, or what may not be done."""


@dataclass(frozen=True)
class Item:
    """A row or an answer as it is shown: ``texts`` by their names, and the chunk that they are about.

    ``kind`` and ``part`` are what lists are made by; ``rule`` is empty where there is none.
    """

    kind: str
    part: str
    texts: Mapping[str, str]
    chunk: Chunk | None
    rule: str = ""


class ReviewQueue(ABC, Generic[AnyDecision]):
    """Items to review, by id, and a file of decisions on them.

    Ids are hashes, and items are in the order of them within their part. So whoever reads the first hundred
    reads a random sample, and the same as others.
    """

    what: str
    """What is reviewed, as the page and the command know it."""
    choices: tuple[str, ...]
    """What may be decided."""
    against: str
    """The choice that needs a reason."""

    def __init__(self, file: Path, kind: type[AnyDecision], items: Mapping[str, Item]):
        """``file`` has decisions of the given kind, which are read anew each time."""
        self._file, self._items = file, items
        self._kind: type[AnyDecision] = kind

    @abstractmethod
    def so_far(self) -> dict[str, Any]:
        """Return the sentence on what the decisions come to, and those on what isn't there any more."""

    @abstractmethod
    def summary(self) -> Sequence[str]:
        """Return all that the decisions say, in lines."""

    @abstractmethod
    def _decision(self, item_id: str, choice: str, texts: Mapping[str, str] | None) -> dict[str, Any]:
        """Return the fields of a decision that are of its kind alone, or raise a DecisionError."""

    @abstractmethod
    def _disputed(self, decisions: Sequence[AnyDecision]) -> bool:
        """Say whether people disagree on one item."""

    def listing(self, reviewer: str) -> list[dict[str, Any]]:
        """Return all items in their order; of what others decided nothing before the reviewer has decided."""
        known = last_decisions(self._decisions())
        return [
            {"id": item_id, "part": item.part} | self._seen(known.get(item_id, ()), reviewer)
            for item_id, item in self._items.items()
        ]

    def show(self, item_id: str, reviewer: str) -> dict[str, Any]:
        """Return an item with its passage and, once the reviewer has decided, what was decided of it.

        Raises:
            NoSuchItemError: There is no such item.
        """
        item = self._find(item_id)
        decisions = last_decisions(self._decisions()).get(item_id, [])
        seen = self._seen(decisions, reviewer)
        told = [
            self._told(each) | {"mine": reviewer_key(each.reviewer) == reviewer_key(reviewer)}
            for each in decisions
        ]
        return {
            "id": item_id,
            "kind": item.kind,
            "part": item.part,
            "rule": item.rule,
            "texts": item.texts,
            "passage": citation_of(item.chunk) if item.chunk else None,
            "decisions": told if seen["decided"] else [],
        } | seen

    def decide(
        self, item_id: str, reviewer: str, choice: str, texts: Mapping[str, str] | None, reason: str
    ) -> None:
        """Write a decision down; ``texts`` are the words of who edits.

        Raises:
            NoSuchItemError: There is no such item.
            DecisionError: It can't be decided so, nothing is changed or left, or a reason is missing.
            CharterError: It can't be written.
        """
        self._find(item_id)
        if choice not in self.choices:
            raise DecisionError(f"decide {' or '.join(self.choices)}")
        if choice == self.against and not reason:
            raise DecisionError("say why")
        decisions = last_decisions(self._decisions()).get(item_id, [])
        values = {
            "reviewer": reviewer,
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "decision": choice,
            "reason": reason,
            "informed": len(decisions) > 1 and self._seen(decisions, reviewer)["decided"] is not None,
        }
        append_row(self._file, self._kind.model_validate(values | self._decision(item_id, choice, texts)))

    def _told(self, decision: AnyDecision) -> dict[str, Any]:
        """Return what others are told of a decision."""
        return decision.model_dump(include={"reviewer", "decision", "reason"}) | {"texts": None}

    def _seen(self, decisions: Sequence[AnyDecision], reviewer: str) -> dict[str, Any]:
        """Return what a reviewer decided, and whether others disagree; nothing before that of others."""
        key = reviewer_key(reviewer)
        own = next((each.decision for each in decisions if reviewer_key(each.reviewer) == key), None)
        return {"decided": own, "disputed": own is not None and self._disputed(decisions)}

    def _find(self, item_id: str) -> Item:
        if item_id not in self._items:
            raise NoSuchItemError
        return self._items[item_id]

    def _decisions(self) -> list[AnyDecision]:
        return read_decisions(self._file, self._kind)[0]

    def _torn(self) -> list[str]:
        torn = read_decisions(self._file, self._kind)[1]
        return [f"{torn} lines of {self._file} are torn and left out"] if torn else []
