"""The rows of the synthetic data in a queue: accepted, edited or rejected."""

from collections.abc import Mapping, Sequence
from typing import Any

from charter.evaluation.review_figures import ReviewFigures, review_figures
from charter.evaluation.statistics import Resampling
from charter.project.paths import CorpusPaths
from charter.project.records import InstructExample
from charter.project.review_records import DataRow, RowDecision, row_texts
from charter.report.sentences import review_sentence
from charter.reviewing.queue import DecisionError, Item, ReviewQueue
from charter.synthesis.row_decisions import Settled, read_decisions
from charter.synthesis.synthetic_data import read_synthetic_data


class RowQueue(ReviewQueue[RowDecision]):
    """A corpus's rows as they are now, with those that earlier decisions took out.

    Rows to train and tune with come first, those to test with behind them.
    """

    what = "rows"
    choices = ("accept", "edit", "reject")
    against = "reject"

    def __init__(self, paths: CorpusPaths, resampling: Resampling):
        """Read the data.

        Raises:
            CharterError: A file is missing or broken.
        """
        self._resampling, self._data = resampling, read_synthetic_data(paths)
        chunks = {chunk.id: chunk for chunk in self._data.chunks}
        rows, first = self._data.rows(), dict[str, DataRow]()
        for decision in read_decisions(paths.row_decisions, RowDecision)[0]:
            first.setdefault(decision.row.id, decision.row)
        for mark in self._data.marks:
            if mark.row_id not in rows and (row := first.get(mark.row_id)) and row.chunk_id in chunks:
                rows[mark.row_id] = (mark.split, row)
        self._rows = rows
        items = {
            row_id: Item(_kind(row), split, row_texts(row), chunks[row.chunk_id], row.rule)
            for row_id, (split, row) in sorted(rows.items(), key=lambda row: (row[1][0] == "test", row[0]))
        }
        super().__init__(paths.row_decisions, RowDecision, items)

    def figures(self) -> ReviewFigures:
        """Return what the decisions come to."""
        return review_figures(self._decisions(), self._data, self._resampling)

    def so_far(self) -> dict[str, Any]:
        """Return the sentence on what the decisions come to, and those on rows that aren't there any more."""
        figures = self.figures()
        return {"sentence": review_sentence(figures), "gone": [_describe(item) for item in figures.gone]}

    def summary(self) -> Sequence[str]:
        """Return all that the decisions say, in lines."""
        told = self.so_far()
        return [told["sentence"], *told["gone"], *self._torn()]

    def _decision(self, item_id: str, choice: str, texts: Mapping[str, str] | None) -> dict[str, Any]:
        split, row = self._rows[item_id]
        return {"row": row, "edited": _edited(row, split, texts) if choice == "edit" else None}

    def _disputed(self, decisions: Sequence[RowDecision]) -> bool:
        return Settled(decisions).outcome == "disputed"

    def _told(self, decision: RowDecision) -> dict[str, Any]:
        edited = row_texts(decision.edited) if decision.edited else None
        return super()._told(decision) | {"texts": edited}


def _describe(item: Settled) -> str:
    """Name a row that was decided on by its id, its question and who decided."""
    row = item.decisions[0].row
    return f"{row.id}: {next(iter(row_texts(row).values()))} ({item.reason})"


def _kind(row: DataRow) -> str:
    return "instruct" if isinstance(row, InstructExample) else "preference"


def _edited(row: DataRow, split: str, texts: Mapping[str, str] | None) -> DataRow:
    before = row_texts(row)
    if split == "test":
        raise DecisionError("models are tested with this row, so it may be accepted or rejected as it is")
    if texts is None or texts.keys() != before.keys() or not all(texts.values()):
        raise DecisionError(f"give {', '.join(before)}, each with words")
    if texts == before:
        raise DecisionError("nothing is changed; accept it, or change it")
    return row.model_copy(update=dict(texts))
