"""Rows that tests are made of."""

from charter.project.records import Chunk, InstructExample, Prediction, System, content_id


def chunk_of(
    text: str, *, chunk_id: str | None = None, document: str = "d", headings: tuple[str, ...] = ()
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
        text=text,
    )


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
