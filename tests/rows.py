"""Rows that tests are made of."""

from typing import Any

from charter.project.records import Chunk, InstructExample, Prediction, Rule, System, content_id


def chunk_of(
    text: str,
    *,
    chunk_id: str | None = None,
    document: str = "d",
    headings: tuple[str, ...] = (),
    language: str | None = "eng",
) -> Chunk:
    """The chunk that is the whole of its document; its id is of its text if none is given."""
    return Chunk(
        id=chunk_id or content_id(text),
        document=document,
        document_sha256="0" * 64,
        headings=headings,
        pages=(),
        start=0,
        end=len(text),
        language=language,
        text=text,
    )


def rule_of(chunk: Chunk, statement: str, **changed: Any) -> Rule:
    """A rule of a chunk that quotes its own statement, or the whole chunk where that lacks it."""
    start = max(chunk.text.find(statement), 0)
    quotation = statement if statement in chunk.text else chunk.text
    values: dict[str, Any] = {
        "id": content_id(chunk.id, statement, quotation),
        "chunk_id": chunk.id,
        "statement": statement,
        "modality": "duty",
        "quotation": quotation,
        "start": start,
        "end": start + len(quotation),
        "limits": (),
        "deciders": (),
        "reason": None,
        "grey": None,
    }
    return Rule.model_validate(values | changed)


def prediction_of(example: InstructExample, system: System, rag: bool, answer: str) -> Prediction:
    """What a system answered to a test question; nothing is retrieved."""
    return Prediction(
        id=f"{example.id}{system}{rag}",
        item_id=example.id,
        chunk_id=example.chunk_id,
        system=system,
        rag=rag,
        question=example.question,
        reference=example.answer,
        retrieved=(),
        answer=answer,
    )
