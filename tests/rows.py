"""Rows that tests are made of."""

from charter.records import Chunk, content_id


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
