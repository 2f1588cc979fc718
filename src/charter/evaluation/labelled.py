"""Hand-labelled items: each is bound to the chunk that has the quote which decides its label."""

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from charter.project.errors import CharterError
from charter.project.records import Chunk, LabelledItem, LabelledKind
from charter.synthesis.drafts import Draft
from charter.synthesis.languages import language_of


def bind_items(items: Sequence[LabelledItem], chunks: Sequence[Chunk], source: Path) -> list[Draft]:
    """Return each item, a row of ``source``, as a draft about its chunk, by which a validator judges it.

    Raises:
        CharterError: An id comes twice, a response begins with neither Yes nor No, a quote isn't in exactly
            one chunk, or a kind has no true or no false items, so that nothing can be measured.
    """
    drafts, seen = [], set()
    for line, item in enumerate(items, start=1):
        place = f"{source}:{line}: {item.id}"
        if item.id in seen:
            raise CharterError(f"{source}:{line}: the id {item.id} comes twice; each item needs its own")
        seen.add(item.id)
        found = [chunk for chunk in chunks if item.quote in chunk.text]
        if not found:
            raise CharterError(
                f"{place}: no chunk has the quote {item.quote!r}; quote the document word for word, within "
                "one passage, or leave the corpus out of `labelled` while extract.limit leaves chunks out"
            )
        if len(found) > 1:
            raise CharterError(
                f"{place}: {len(found)} chunks have the quote {item.quote!r}; quote more of it"
            )
        word = language_of(found[0]).answer_word(item.text)
        if item.kind == "response" and word is None:
            raise CharterError(f"{place}: a response must begin with Yes or No, in the document's language")
        drafts.append(Draft(found[0], question=item.question, answer=item.text, word=word))
    for kind in get_args(LabelledKind):
        if {item.label for item in items if item.kind == kind} != {True, False}:
            raise CharterError(f"{source}: needs items of kind {kind} with label true and with label false")
    return drafts
