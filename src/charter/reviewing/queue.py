"""The rows that people review, what they decided of them, and what each of them may see of the others."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from charter.evaluation.review_figures import ReviewFigures, review_figures
from charter.evaluation.statistics import Resampling
from charter.project.appended import append_row
from charter.project.citations import citation_of
from charter.project.paths import CorpusPaths
from charter.project.records import InstructExample
from charter.project.review_records import DataRow, RowDecision, row_texts
from charter.synthesis.row_decisions import Settled, read_row_decisions, reviewer_key, settle
from charter.synthesis.synthetic_data import read_synthetic_data

Choice = Literal["accept", "edit", "reject"]


class NoSuchRowError(Exception):
    """The data have no such row."""


class DecisionError(Exception):
    """A decision that says too little, or what may not be done with the row."""


class ReviewQueue:
    """A corpus's rows as they are now, with those that earlier decisions took out, and their decisions.

    Rows to train and tune with come first, those to test with behind them; among themselves they are in the
    order of their ids. These are hashes, so whoever reads the first hundred reads a random sample, and the
    same as others.
    """

    def __init__(self, paths: CorpusPaths, resampling: Resampling):
        """Read the data; decisions are read anew each time.

        Raises:
            CharterError: A file is missing or broken.
        """
        self._paths, self._resampling = paths, resampling
        self._data = read_synthetic_data(paths)
        self._chunks = {chunk.id: chunk for chunk in self._data.chunks}
        rows, first = self._data.rows(), dict[str, DataRow]()
        for decision in read_row_decisions(paths)[0]:
            first.setdefault(decision.row.id, decision.row)
        for mark in self._data.marks:
            if mark.row_id not in rows and (row := first.get(mark.row_id)) and row.chunk_id in self._chunks:
                rows[mark.row_id] = (mark.split, row)
        self._rows = dict(sorted(rows.items(), key=lambda item: (item[1][0] == "test", item[0])))

    def listing(self, reviewer: str) -> list[dict[str, Any]]:
        """Return all rows in their order; of what others decided nothing before the reviewer has decided."""
        settled = self._settled()
        listed = []
        for row_id, (split, row) in self._rows.items():
            own = _own(settled.get(row_id), reviewer)
            disputed = own is not None and settled[row_id].outcome == "disputed"
            decided = own and own.decision
            kind = _kind(row)
            listed.append(
                {"id": row_id, "kind": kind, "split": split, "decided": decided, "disputed": disputed}
            )
        return listed

    def show(self, row_id: str, reviewer: str) -> dict[str, Any]:
        """Return a row with its passage and, once the reviewer has decided, what was decided of it.

        Raises:
            NoSuchRowError: There is no such row.
        """
        split, row = self._find(row_id)
        found = self._settled().get(row_id)
        own = _own(found, reviewer)
        shown = found.decisions if own and found else ()
        return {
            "id": row_id,
            "kind": _kind(row),
            "split": split,
            "rule": row.rule,
            "texts": row_texts(row),
            "passage": citation_of(self._chunks[row.chunk_id]),
            "decisions": [_told(each, mine=each is own) for each in shown],
            "disputed": bool(own and found and found.outcome == "disputed"),
        }

    def decide(
        self, row_id: str, reviewer: str, decision: Choice, texts: Mapping[str, str] | None, reason: str
    ) -> None:
        """Write a decision down; ``texts`` are the words of who edits.

        Raises:
            NoSuchRowError: There is no such row.
            DecisionError: Nothing is changed, nothing is left, a reason is missing, or a row is to be edited
                that models are tested with.
            CharterError: It can't be written.
        """
        split, row = self._find(row_id)
        if decision == "reject" and not reason:
            raise DecisionError("say why it is rejected")
        found = self._settled().get(row_id)
        own = _own(found, reviewer)
        append_row(
            self._paths.row_decisions,
            RowDecision(
                row=row,
                reviewer=reviewer,
                time=datetime.now(UTC).isoformat(timespec="milliseconds"),
                decision=decision,
                edited=_edited(row, split, texts) if decision == "edit" else None,
                reason=reason,
                informed=bool(own and found and len(found.decisions) > 1),
            ),
        )

    def figures(self) -> ReviewFigures:
        """Return what the decisions come to."""
        return review_figures(read_row_decisions(self._paths)[0], self._data, self._resampling)

    def _find(self, row_id: str) -> tuple[str, DataRow]:
        if row_id not in self._rows:
            raise NoSuchRowError
        return self._rows[row_id]

    def _settled(self) -> Mapping[str, Settled]:
        return settle(read_row_decisions(self._paths)[0])


def describe_gone(figures: ReviewFigures) -> Sequence[str]:
    """Return each decided row that the data don't have any more, by its id, its question and who decided."""
    return [
        f"{item.decisions[0].row.id}: {next(iter(row_texts(item.decisions[0].row).values()))} ({item.reason})"
        for item in figures.gone
    ]


def _kind(row: DataRow) -> str:
    return "instruct" if isinstance(row, InstructExample) else "preference"


def _own(found: Settled | None, reviewer: str) -> RowDecision | None:
    key = reviewer_key(reviewer)
    decisions = found.decisions if found else ()
    return next((each for each in decisions if reviewer_key(each.reviewer) == key), None)


def _told(decision: RowDecision, *, mine: bool) -> dict[str, Any]:
    return {
        "reviewer": decision.reviewer,
        "mine": mine,
        "decision": decision.decision,
        "reason": decision.reason,
        "texts": row_texts(decision.edited) if decision.edited else None,
    }


def _edited(row: DataRow, split: str, texts: Mapping[str, str] | None) -> DataRow:
    before = row_texts(row)
    if split == "test":
        raise DecisionError("models are tested with this row, so it may be accepted or rejected as it is")
    if texts is None or texts.keys() != before.keys() or not all(texts.values()):
        raise DecisionError(f"give {', '.join(before)}, each with words")
    if texts == before:
        raise DecisionError("nothing is changed; accept it, or change it")
    return row.model_copy(update=dict(texts))
