"""Near-duplicate texts, by embedding and by word trigrams."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer

from charter.documents.segmentation import split_words
from charter.retrieval.encoder import Encoder

_BLOCK = 512


@dataclass(frozen=True)
class Likeness:
    """When two texts are near-duplicates: above a cosine, or above a Jaccard index of word trigrams.

    The trigrams count where the cosine is at least .5.
    """

    cosine: float
    trigrams: float


def find_links(texts: Sequence[str], encoder: Encoder, likeness: Likeness) -> NDArray[np.int64]:
    """Return the pairs of near-duplicates, as their places (earlier, later), sorted by later, then earlier.

    Compares blocks, so memory is linear in texts.
    """
    vectors = encoder.encode(texts)
    # The last text is there since the vectorizer refuses texts none of which has three words.
    vectorizer = CountVectorizer(
        tokenizer=split_words,
        token_pattern=None,
        lowercase=False,
        ngram_range=(3, 3),
        binary=True,
        dtype=np.int32,
    )
    trigrams = vectorizer.fit_transform([*texts, "a b c"])[:-1]
    sizes = np.asarray(trigrams.sum(axis=1)).ravel()
    links = [np.empty((0, 2), dtype=np.int64)]
    for start in range(0, len(texts), _BLOCK):
        end = start + _BLOCK
        cosine = vectors[start:end] @ vectors[:end].T
        shared = (trigrams[start:end] @ trigrams[:end].T).toarray()
        jaccard = shared / np.maximum(sizes[start:end, None] + sizes[:end] - shared, 1)
        near = (cosine > likeness.cosine) | ((cosine > 0.5) & (jaccard > likeness.trigrams))
        later, earlier = np.nonzero(np.tril(near, start - 1))
        links.append(np.column_stack([earlier, later + start]))
    return np.concatenate(links)


def links_between(
    first: Sequence[str], second: Sequence[str], encoder: Encoder, likeness: Likeness
) -> list[tuple[int, int]]:
    """Return where a text of ``first`` and one of ``second`` are near-duplicates: their places in each."""
    links, count = find_links([*first, *second], encoder, likeness).tolist(), len(first)
    return [(earlier, later - count) for earlier, later in links if earlier < count <= later]


def find_duplicates(texts: Sequence[str], encoder: Encoder, likeness: Likeness) -> list[int | None]:
    """For each text, give the first kept text that it nearly repeats, or None: then it is kept itself."""
    near: dict[int, list[int]] = defaultdict(list)
    for earlier, later in find_links(texts, encoder, likeness).tolist():
        near[later].append(earlier)
    original: list[int | None] = []
    for place in range(len(texts)):
        original.append(next((earlier for earlier in near[place] if original[earlier] is None), None))
    return original
