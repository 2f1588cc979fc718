"""Where in a document a chunk stands, by the headings that tell its chunks apart."""

from collections import defaultdict
from collections.abc import Sequence

from charter.project.records import Chunk

HeadingPath = tuple[str, ...]


def section_paths(chunks: Sequence[Chunk]) -> dict[str, HeadingPath]:
    """Return by id the headings above each chunk, without those that all of its document share.

    A title over the whole document is no section. A chunk that has no other heading is named by its last one,
    or by its document; a document's name comes first where there are several.
    """
    documents: dict[str, list[HeadingPath]] = defaultdict(list)
    for chunk in chunks:
        if chunk.headings:
            documents[chunk.document].append(chunk.headings)
    shared = {document: _shared_depth(paths) for document, paths in documents.items()}
    several = len({chunk.document for chunk in chunks}) > 1
    found = {}
    for chunk in chunks:
        below = chunk.headings[shared.get(chunk.document, 0) :] or chunk.headings[-1:]
        found[chunk.id] = (chunk.document, *below) if several or not below else below
    return found


def _shared_depth(paths: Sequence[HeadingPath]) -> int:
    levels = zip(*paths, strict=False)
    return next((depth for depth, level in enumerate(levels) if len(set(level)) > 1), min(map(len, paths)))
