"""Answers of systems as people read them, without their names, and what people's decisions come to."""

from collections.abc import Iterable, Sequence
from typing import Literal, get_args

from charter.evaluation.exam import read_dev
from charter.project.exam_records import ExamAnswer
from charter.project.paths import CorpusPaths
from charter.project.records import Model, Prediction, content_id
from charter.project.review_records import AnswerDecision, ReadAnswer
from charter.project.storage import read_rows

Found = Literal["right", "wrong", "unsure", "disputed"]
MODELS = get_args(Model)
"""The systems whose answers people read; what needs no model isn't worth it."""


def answer_id(row: Prediction | ExamAnswer) -> str:
    """Return the id of an answer as people read it: of equal answers to a question there is one."""
    return content_id(row.item_id, row.answer)


def held_out_answers(predictions: Iterable[Prediction]) -> list[ReadAnswer]:
    """Return the answers of models to held-out questions, each once."""
    rows = {answer_id(row): row for row in predictions if row.system in MODELS}
    return [_shown(row, (row.reference,), marked_right=None) for row in rows.values()]


def read_dev_answers(paths: CorpusPaths) -> list[ReadAnswer]:
    """Return the answers of models in the last `charter exam dev`, each once; none where there was none.

    Those to questions that aren't of the dev part now are left out: a question that was sealed since, when
    another exam was added, is shown to nobody.

    Raises:
        CharterError: The exam or the file is broken.
    """
    if not paths.dev_answers.exists():
        return []
    dev = {(row.id, row.question) for row in read_dev(paths).questions}
    rows = {
        answer_id(row): row
        for row in read_rows(paths.dev_answers, ExamAnswer)
        if row.system in MODELS and (row.item_id, row.question) in dev
    }
    return [_shown(row, row.references, marked_right=row.fault is None) for row in rows.values()]


def _shown(
    row: Prediction | ExamAnswer, references: tuple[str, ...], *, marked_right: bool | None
) -> ReadAnswer:
    return ReadAnswer(
        id=answer_id(row),
        item_id=row.item_id,
        chunk_id=row.chunk_id,
        question=row.question,
        references=references,
        answer=row.answer,
        marked_right=marked_right,
    )


def found_of(decisions: Sequence[AnswerDecision]) -> Found:
    """Say what the decisions on one answer come to, one a reviewer; who is unsure leaves it to the others."""
    said = {each.decision for each in decisions if each.decision != "unsure"}
    return "disputed" if len(said) > 1 else said.pop() if said else "unsure"
