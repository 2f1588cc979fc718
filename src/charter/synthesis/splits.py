"""Splitting without leaks: near-duplicates stay together, whichever kind of row they belong to."""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from charter.project.records import content_id
from charter.retrieval.encoder import Encoder
from charter.synthesis.duplicates import Likeness, find_links


def assign_splits(
    texts: Sequence[str],
    encoder: Encoder,
    likeness: Likeness,
    validation_share: float,
    test_shares: Sequence[float],
    ties: Sequence[tuple[int, int]] = (),
    trained: Sequence[int] = (),
) -> list[str]:
    """Give each text one of `charter.project.records.SPLITS`.

    A group of near-duplicates goes to one split, so that no held-out question is a near-duplicate of a
    training one. So do the texts at the places that ``ties`` join, however they are worded. A group's place
    is a hash of its first text: an amended document moves what it changed. ``test_shares`` has one for each
    text; that of a group is the least of its texts'.

    Of the texts at the places ``trained`` some must be trained on. Where a small corpus leaves none of them
    in training, the group of theirs that is nearest to it goes there.
    """
    groups = group_duplicates(texts, encoder, likeness, ties)
    first: dict[int, tuple[str, float]] = {}
    for text, share, group in zip(texts, test_shares, groups, strict=True):
        known_text, known_share = first.get(group, (text, share))
        first[group] = (min(text, known_text), min(share, known_share))
    splits = {group: _split(text, validation_share, share) for group, (text, share) in first.items()}
    if trained and all(splits[groups[place]] != "train" for place in trained):
        splits[max((groups[place] for place in trained), key=lambda group: _share(first[group][0]))] = "train"
    return [splits[group] for group in groups]


def group_duplicates(
    texts: Sequence[str], encoder: Encoder, likeness: Likeness, ties: Sequence[tuple[int, int]] = ()
) -> list[int]:
    """Number the groups of near-duplicates: the transitive closure of their links and of ``ties``."""
    links = [*find_links(texts, encoder, likeness), *ties]
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
