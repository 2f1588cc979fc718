"""Decisions on rows and answers that tests are made of, and what the review page says of them."""

from itertools import count
from typing import Any

from fastapi.testclient import TestClient

from charter.project.exam_records import ExamAnswer
from charter.project.records import InstructExample, Prediction, PreferencePair, Rag, System, content_id
from charter.project.review_records import AnswerDecision, DataRow, ReadAnswer, RowDecision

_SECONDS = count()


def example_of(question: str, answer: str, chunk_id: str = "gifts") -> InstructExample:
    return InstructExample(
        id=content_id(chunk_id, question, answer),
        chunk_id=chunk_id,
        style="content",
        rule="",
        question=question,
        answer=answer,
    )


def pair_of(
    prompt: str, chosen: str, rejected: str, chunk_id: str = "gifts", rule: str = ""
) -> PreferencePair:
    return PreferencePair(
        id=content_id(chunk_id, prompt, chosen, rejected),
        chunk_id=chunk_id,
        rule=rule,
        prompt=prompt,
        chosen=chosen,
        rejected=rejected,
    )


def decided(
    row: DataRow,
    decision: str,
    reviewer: str = "Ada",
    *,
    reason: str = "",
    time: str = "",
    informed: bool = False,
    **words: str,
) -> RowDecision:
    """A decision, later than those made before it; ``words`` are what an edit changes."""
    return RowDecision.model_validate(
        {
            "row": row,
            "reviewer": reviewer,
            "time": time or f"2026-11-28T04:00:00.{next(_SECONDS):03}+00:00",
            "decision": decision,
            "edited": row.model_copy(update=dict(words)) if words else None,
            "reason": reason,
            "informed": informed,
        }
    )


def prediction_of(
    item: str, answer: str, system: System = "dpo", rag: Rag = False, chunk_id: str = "gifts"
) -> Prediction:
    return Prediction(
        id=f"{item} {system} {rag}",
        item_id=item,
        chunk_id=chunk_id,
        system=system,
        rag=rag,
        question=f"Question {item}?",
        reference="Within 30 days.",
        retrieved=(),
        answer=answer,
    )


def found(
    answer: Prediction | ExamAnswer,
    decision: str,
    reviewer: str = "Ada",
    *,
    reason: str = "",
    informed: bool = False,
) -> AnswerDecision:
    """What somebody finds of an answer, later than what was found before it."""
    of_exam = isinstance(answer, ExamAnswer)
    return AnswerDecision.model_validate(
        {
            "answer": ReadAnswer(
                id=content_id(answer.item_id, answer.answer),
                item_id=answer.item_id,
                chunk_id=answer.chunk_id,
                question=answer.question,
                references=answer.references if of_exam else (answer.reference,),
                answer=answer.answer,
                marked_right=answer.fault is None if of_exam else None,
            ),
            "reviewer": reviewer,
            "time": f"2026-11-28T04:00:00.{next(_SECONDS):03}+00:00",
            "decision": decision,
            "reason": reason,
            "informed": informed,
        }
    )


def listed(client: TestClient, reviewer: str = "Ada") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get("/api/items", params={"reviewer": reviewer}).json()
    return items


def show(client: TestClient, item: str, reviewer: str = "Ada") -> dict[str, Any]:
    shown: dict[str, Any] = client.get(f"/api/items/{item}", params={"reviewer": reviewer}).json()
    return shown
