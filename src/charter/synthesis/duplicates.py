"""Near-duplicate texts, by embedding and by word trigrams."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer

from charter.retrieval.encoder import Encoder

MAX_SHARED_TRIGRAMS = 0.7
_BLOCK = 512

Links = NDArray[np.int64]
"""Pairs of places (earlier, later) in a list of texts, of shape [links, 2], sorted by later, then earlier."""


def find_links(texts: Sequence[str], encoder: Encoder, max_similarity: float) -> Links:
    """Return the pairs of near-duplicates.

    Two texts are near-duplicates above a cosine of ``max_similarity``, or above a trigram Jaccard of
    MAX_SHARED_TRIGRAMS where the cosine is at least .5. Compares blocks, so memory is linear in texts.
    """
    vectors = encoder.encode(texts)
    # The last text is there since the vectorizer refuses texts none of which has three words.
    words = r"\w+"
    vectorizer = CountVectorizer(token_pattern=words, ngram_range=(3, 3), binary=True, dtype=np.int32)
    trigrams = vectorizer.fit_transform([*texts, "a b c"])[:-1]
    sizes = np.asarray(trigrams.sum(axis=1)).ravel()
    links = [np.empty((0, 2), dtype=np.int64)]
    for start in range(0, len(texts), _BLOCK):
        end = start + _BLOCK
        cosine = vectors[start:end] @ vectors[:end].T
        shared = (trigrams[start:end] @ trigrams[:end].T).toarray()
        jaccard = shared / np.maximum(sizes[start:end, None] + sizes[:end] - shared, 1)
        near = (cosine > max_similarity) | ((cosine > 0.5) & (jaccard > MAX_SHARED_TRIGRAMS))
        later, earlier = np.nonzero(np.tril(near, start - 1))
        links.append(np.column_stack([earlier, later + start]))
    return np.concatenate(links)


def find_duplicates(texts: Sequence[str], encoder: Encoder, max_similarity: float) -> list[int | None]:
    """For each text, give the first kept text that it nearly repeats, or None: then it is kept itself."""
    near: dict[int, list[int]] = defaultdict(list)
    for earlier, later in find_links(texts, encoder, max_similarity).tolist():
        near[later].append(earlier)
    original: list[int | None] = []
    for place in range(len(texts)):
        original.append(next((earlier for earlier in near[place] if original[earlier] is None), None))
    return original
