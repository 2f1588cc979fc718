"""Near-duplicate texts, by embedding and by n-grams."""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from charter.retrieval.encoder import Encoder
from charter.synthesis.filters import jaccard

MAX_SHARED_TRIGRAMS = 0.7
_BLOCK = 1024


def find_links(texts: Sequence[str], encoder: Encoder, max_similarity: float) -> list[tuple[int, int]]:
    """Return the pairs (earlier, later) of near-duplicates.

    Two texts are near-duplicates above a cosine of ``max_similarity``, or above a trigram Jaccard of
    MAX_SHARED_TRIGRAMS where the cosine is at least .5. Compares blocks, so memory is linear in texts.
    """
    if not texts:
        return []
    vectors = encoder.encode(texts)
    links = []
    for start in range(0, len(texts), _BLOCK):
        similarity = vectors[start : start + _BLOCK] @ vectors.T
        rows, columns = np.nonzero(similarity > min(0.5, max_similarity))
        for row, column in zip((rows + start).tolist(), columns.tolist(), strict=True):
            if column < row and (
                similarity[row - start, column] > max_similarity
                or jaccard(texts[row], texts[column], 3) > MAX_SHARED_TRIGRAMS
            ):
                links.append((column, row))
    return links


def find_duplicates(texts: Sequence[str], encoder: Encoder, max_similarity: float) -> list[int | None]:
    """For each text, give the first kept text that it nearly repeats, or None: then it is kept itself."""
    earlier: dict[int, list[int]] = {}
    for first, second in find_links(texts, encoder, max_similarity):
        earlier.setdefault(second, []).append(first)
    original: list[int | None] = []
    for index in range(len(texts)):
        original.append(next((item for item in earlier.get(index, []) if original[item] is None), None))
    return original


def group_duplicates(
    texts: Sequence[str], encoder: Encoder, max_similarity: float, ties: Sequence[tuple[int, int]] = ()
) -> list[int]:
    """Number the groups of near-duplicates: the transitive closure of their links and of ``ties``."""
    found = [*find_links(texts, encoder, max_similarity), *ties]
    links = np.array(found, dtype=np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(links.shape[1]), (links[0], links[1])), shape=(len(texts), len(texts)))
    labels: list[int] = connected_components(graph, directed=False)[1].tolist()
    return labels
