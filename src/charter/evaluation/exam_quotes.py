"""Where a document says what an item of the exam rests on."""

from collections.abc import Sequence
from itertools import accumulate

from charter.project.records import Chunk


def letters(text: str) -> str:
    """Letters and digits alone: how an extracted text breaks lines and draws tables is left out."""
    return "".join(sign for sign in text.casefold() if sign.isalnum())


def find_quotes(quotes: Sequence[str], chunks: Sequence[Chunk]) -> list[str]:
    """Return the id of the chunk that each quote stands in, of several that with most of it; empty of none.

    ``chunks`` are in the order of the document.
    """
    texts = [letters(chunk.text) for chunk in chunks]
    ends = list(accumulate(map(len, texts)))
    document = "".join(texts)
    found = []
    for quote in quotes:
        wanted = letters(quote)
        place = document.find(wanted) if wanted else -1
        if place < 0:
            found.append("")
            continue
        shares = [
            min(end, place + len(wanted)) - max(end - len(text), place)
            for text, end in zip(texts, ends, strict=True)
        ]
        found.append(chunks[shares.index(max(shares))].id)
    return found
