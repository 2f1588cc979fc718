"""Answers of systems in a queue, without the systems' names: right, wrong or unsure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

from charter.evaluation.answer_figures import answer_figures
from charter.evaluation.answer_review import found_of, held_out_answers, read_dev_answers
from charter.evaluation.statistics import Resampling
from charter.project.paths import CorpusPaths
from charter.project.records import Chunk, Judgement, Prediction
from charter.project.review_records import AnswerDecision, ReadAnswer
from charter.project.storage import read_rows
from charter.report.sentences import answers_sentence
from charter.reviewing.queue import Item, ReviewQueue


class AnswerQueue(ReviewQueue[AnswerDecision]):
    """A corpus's answers to held-out questions, and behind them those to the exam's dev questions.

    An answer whose passage the document doesn't have any more is left out.
    """

    what = "answers"
    choices = ("right", "wrong", "unsure")
    against = "wrong"

    def __init__(self, paths: CorpusPaths, resampling: Resampling):
        """Read the answers.

        Raises:
            CharterError: A file is missing or broken.
        """
        self._paths, self._resampling = paths, resampling
        self._predictions = read_rows(paths.predictions, Prediction)
        chunks = {chunk.id: chunk for chunk in read_rows(paths.chunks, Chunk)}
        by_id = attrgetter("id")
        held_out, dev = held_out_answers(self._predictions), read_dev_answers(paths)
        self._answers = {
            answer.id: answer
            for answer in [*sorted(held_out, key=by_id), *sorted(dev, key=by_id)]
            if answer.chunk_id in chunks or not answer.chunk_id
        }
        items = {
            answer.id: Item("answer", _part(answer), _texts(answer), chunks.get(answer.chunk_id))
            for answer in self._answers.values()
        }
        super().__init__(paths.answer_decisions, AnswerDecision, items)

    def so_far(self) -> dict[str, Any]:
        """Return how far readers agree; nothing of systems and of the scorer, who are hidden from them."""
        figures = replace(answer_figures(self._decisions(), [], [], self._resampling), scorer=None)
        return {"sentence": answers_sentence(figures), "gone": []}

    def summary(self) -> Sequence[str]:
        """Return all that the decisions say, in lines."""
        judgements = read_rows(self._paths.judgements, Judgement)
        figures = answer_figures(self._decisions(), self._predictions, judgements, self._resampling)
        return [answers_sentence(figures), *self._torn()]

    def _decision(self, item_id: str, choice: str, texts: Mapping[str, str] | None) -> dict[str, Any]:
        return {"answer": self._answers[item_id]}

    def _disputed(self, decisions: Sequence[AnswerDecision]) -> bool:
        return found_of(decisions) == "disputed"


def _part(answer: ReadAnswer) -> str:
    return "held-out" if answer.marked_right is None else "dev"


def _texts(answer: ReadAnswer) -> dict[str, str]:
    references = "\n".join(answer.references)
    return {"question": answer.question, "answer": answer.answer, "references": references}
