"""What people decided of rows of the synthetic data and what became of it, and of answers of systems."""

from collections.abc import Mapping
from typing import Literal, TypeVar

from pydantic import model_validator

from charter.project.records import InstructExample, PreferencePair, Row

DataRow = InstructExample | PreferencePair
Mark = Literal["accepted", "edited", "rejected", "disputed", "held out", "voted"]


class RowDecision(Row):
    """What a person decided of a row: a file a corpus, to which decisions are added and never changed.

    ``row`` is what was shown, ``edited`` the same row in the person's words, None where it wasn't edited.
    ``reason`` says why it was rejected. ``informed`` is true where the person had decided before and seen
    what others decided. ``time`` is ISO 8601, in UTC; of one person's decisions on a row the last counts.
    """

    row: DataRow
    reviewer: str
    time: str
    decision: Literal["accept", "edit", "reject"]
    edited: DataRow | None
    reason: str
    informed: bool

    @model_validator(mode="after")
    def _edited_is_the_same_row(self) -> "RowDecision":
        if (self.decision == "edit") != (self.edited is not None):
            raise ValueError("edited goes with the decision edit")
        if self.edited is not None and (type(self.edited), self.edited.id) != (type(self.row), self.row.id):
            raise ValueError("edited is the row itself in other words: of its kind, with its id")
        return self

    @property
    def about(self) -> str:
        """The id of what was decided on."""
        return self.row.id

    @property
    def wanted(self) -> DataRow | None:
        """The row as the person wants it, None where it was rejected."""
        return None if self.decision == "reject" else self.edited or self.row


class ReadAnswer(Row):
    """An answer as people are shown it: not which systems gave it, and equal ones once.

    ``id`` is a hash of the question's ``item_id`` and the answer. ``chunk_id`` is the chunk that the question
    is on, empty where the document doesn't answer it. ``marked_right`` is what the exam's scorer finds of an
    answer to a dev question, which people aren't shown; it is None of one to a held-out question.
    """

    id: str
    item_id: str
    chunk_id: str
    question: str
    references: tuple[str, ...]
    answer: str
    marked_right: bool | None


class AnswerDecision(Row):
    """What a person found of an answer: a file a corpus, to which decisions are added and never changed.

    ``reason`` says why it is wrong. ``informed`` and ``time`` are as in RowDecision.
    """

    answer: ReadAnswer
    reviewer: str
    time: str
    decision: Literal["right", "wrong", "unsure"]
    reason: str
    informed: bool

    @property
    def about(self) -> str:
        """The id of what was decided on."""
        return self.answer.id


AnyDecision = TypeVar("AnyDecision", RowDecision, AnswerDecision)


class RowMark(Row):
    """What people did to a row; one may have several.

    ``accepted`` as it is, or ``edited``: it has their words, and the id that it had before. ``rejected``,
    ``disputed`` where they don't agree, and ``held out`` where their words nearly repeat a row of another
    split: these three are left out. ``voted`` was taken from the votes of the compare page. ``people`` has
    the reviewers' names.
    """

    row_id: str
    split: str
    mark: Mark
    people: tuple[str, ...]


def row_texts(row: DataRow) -> Mapping[str, str]:
    """Return what people judge of a row, by the names of its fields; the row's id is a hash of these."""
    names = ("question", "answer") if isinstance(row, InstructExample) else ("prompt", "chosen", "rejected")
    return {name: getattr(row, name) for name in names}
