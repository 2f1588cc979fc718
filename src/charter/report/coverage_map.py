"""The map of a document: where each of its chunks stands."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from charter.documents.sections import section_paths
from charter.synthesis.coverage import ChunkCoverage


@dataclass(frozen=True)
class MappedChunk:
    """A chunk; ``section`` is the main heading above it, ``name`` all, with a number if others share them."""

    section: str
    name: str
    coverage: ChunkCoverage


def coverage_map(measured: Sequence[ChunkCoverage]) -> list[MappedChunk]:
    """Name the chunks of a corpus, in their order."""
    paths = section_paths([item.chunk for item in measured])
    count, seen = Counter(paths.values()), Counter[tuple[str, ...]]()
    chunks = []
    for item in measured:
        path = paths[item.chunk.id]
        seen[path] += 1
        number = f" ({seen[path]} of {count[path]})" if count[path] > 1 else ""
        chunks.append(MappedChunk(path[0], " › ".join(path) + number, item))
    return chunks
