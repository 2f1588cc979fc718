"""Near-duplicate texts, by embedding and by word trigrams: dropped, or at least in one split."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import CountVectorizer

from charter.project.records import content_id
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


def assign_splits(
    texts: Sequence[str],
    encoder: Encoder,
    max_similarity: float,
    validation_share: float,
    test_shares: Sequence[float],
    ties: Sequence[tuple[int, int]] = (),
    trained: Sequence[int] = (),
) -> list[str]:
    """Give each text one of `charter.project.records.SPLITS`.

    A group of near-duplicates goes to one split, so that no held-out question is a near-duplicate of a
    training one. So do the texts at the places that ``ties`` join, however they are worded. A group's place
    is a hash of its first text: an amended document moves what it changed. ``test_shares`` has one for each
    text; that of a group is its first text's.

    Of the texts at the places ``trained`` some must be trained on. Where a small corpus leaves none of them
    in training, the group of theirs that is nearest to it goes there.
    """
    groups = group_duplicates(texts, encoder, max_similarity, ties)
    first: dict[int, tuple[str, float]] = {}
    for text, share, group in zip(texts, test_shares, groups, strict=True):
        first[group] = min((text, share), first.get(group, (text, share)))
    splits = {group: _split(text, validation_share, share) for group, (text, share) in first.items()}
    if trained and all(splits[groups[place]] != "train" for place in trained):
        splits[max((groups[place] for place in trained), key=lambda group: _share(first[group][0]))] = "train"
    return [splits[group] for group in groups]


def group_duplicates(
    texts: Sequence[str], encoder: Encoder, max_similarity: float, ties: Sequence[tuple[int, int]] = ()
) -> list[int]:
    """Number the groups of near-duplicates: the transitive closure of their links and of ``ties``."""
    links = [*find_links(texts, encoder, max_similarity), *ties]
    earlier, later = np.reshape(links, (-1, 2)).T.astype(np.int64)
    graph = coo_array((np.ones(len(links)), (earlier, later)), shape=(len(texts), len(texts)))
    labels: list[int] = connected_components(graph, directed=False)[1].tolist()
    return labels


def _split(text: str, validation_share: float, test_share: float) -> str:
    share = _share(text)
    if share < test_share:
        return "test"
    return "validation" if share < test_share + validation_share else "train"


def _share(text: str) -> float:
    """Return where a text lies between 0 and 1, by its hash; training is at the end."""
    return int(content_id(text), 16) / 16**16
