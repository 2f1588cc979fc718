"""Where in the documents a passage stands, as pages show it."""

from typing import Any

from charter.project.records import Chunk


def place_of(chunk: Chunk) -> dict[str, Any]:
    """Return what a page is told of a passage."""
    return {
        "document": chunk.document,
        "section": list(chunk.headings),
        "pages": list(chunk.pages),
        "text": chunk.text,
    }
