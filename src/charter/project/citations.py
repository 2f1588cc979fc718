"""Where in the documents a passage stands, as people and programs are told."""

from typing import Any

from charter.project.records import Chunk


def place_of(chunk: Chunk) -> dict[str, Any]:
    """Return the document, the headings from the outermost, and the pages from 1."""
    return {"document": chunk.document, "section": list(chunk.headings), "pages": list(chunk.pages)}


def citation_of(chunk: Chunk) -> dict[str, Any]:
    """Return where it stands, and its text."""
    return place_of(chunk) | {"text": chunk.text}
