"""Rows by what they have in common."""

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from charter.project.exam_records import ExamAnswer, ExamDecision, OwnAdvice
from charter.project.metric_names import system_label
from charter.project.records import Prediction

Item = TypeVar("Item")
Key = TypeVar("Key", bound=Hashable)
Answered = TypeVar("Answered", Prediction, ExamAnswer, ExamDecision, OwnAdvice)


def grouped(items: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    """Return the items by their key; keys and items are in the order in which they first occur."""
    groups: dict[Key, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def by_system(rows: Iterable[Answered]) -> dict[str, list[Answered]]:
    """Return what systems answered or decided, by their labels."""
    return grouped(rows, lambda row: system_label(row.system, row.rag))
