"""Near-duplicates: as a plain reading of their definition finds them, and fast enough for a long document."""

import re
import time
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest

from charter.retrieval.encoder import Encoder, Vectors
from charter.synthesis.duplicates import Likeness, find_duplicates, find_links
from charter.synthesis.splits import assign_splits, group_duplicates

TEXTS = [
    "May I accept a gift worth 80 euros?",
    "May I accept a gift that is worth 80 euros?",
    "Who has the right to education?",
    "Is slavery allowed anywhere?",
    "Which agency investigates accidents at work?",
    "Is a gift worth 80 euros something that I may accept?",
]

MANY = 20_000
ALIKE = Likeness(cosine=0.9, trigrams=0.7)


class GivenVectors(Encoder):
    """Has a vector for each text, a random one; with the same last word they are alike."""

    def __init__(self, spread: float) -> None:
        self.spread = spread

    def encode(self, texts: Sequence[str]) -> Vectors:
        random = np.random.default_rng(len(texts))
        centres = {text.split()[-1]: random.standard_normal(384) for text in texts}
        vectors = np.array([centres[text.split()[-1]] for text in texts]).reshape(-1, 384)
        vectors += self.spread * random.standard_normal(vectors.shape)
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def written(count: int, subjects: int) -> list[str]:
    """Questions of few words, so that many share most of their trigrams and some are the same."""
    random = np.random.default_rng(1)
    verbs, things = ("keep", "sell", "lend", "paint"), ("old", "new", "red", "big")
    chosen = random.integers(0, [4, 4, 4, subjects], size=(count, 4)).tolist()
    return [
        f"May {things[c]} owners {verbs[a]} or {verbs[b]} a {things[c]} and very dear {things[a]} number {d}?"
        for a, b, c, d in chosen
    ]


def trigrams(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return set(zip(words, words[1:], words[2:], strict=False))


def expected_links(texts: Sequence[str], vectors: Vectors, most: Likeness) -> list[tuple[int, int]]:
    links = []
    for earlier, later in combinations(range(len(texts)), 2):
        left, right = trigrams(texts[earlier]), trigrams(texts[later])
        jaccard = len(left & right) / max(len(left | right), 1)
        cosine = float(vectors[earlier] @ vectors[later])
        if cosine > most.cosine or (cosine > 0.5 and jaccard > most.trigrams):
            links.append((earlier, later))
    return sorted(links, key=lambda link: link[::-1])


def expected_duplicates(links: Sequence[tuple[int, int]], count: int) -> list[int | None]:
    """Keep the first of what is alike: what repeats a dropped text alone is kept."""
    original: list[int | None] = []
    for place in range(count):
        near = [earlier for earlier, later in links if later == place and original[earlier] is None]
        original.append(near[0] if near else None)
    return original


@pytest.mark.parametrize("spread", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("most", [Likeness(0.4, 0.7), Likeness(0.92, 0.7), Likeness(0.92, 0.3)])
def test_links_and_kept_texts_are_those_of_the_definition(spread: float, most: Likeness) -> None:
    # More than a block of them; some have no trigram.
    texts = [*written(560, subjects=30), "May I?", "Why 7?", "May I?"]
    encoder = GivenVectors(spread)
    links = expected_links(texts, encoder.encode(texts), most)
    assert links
    assert [tuple(link) for link in find_links(texts, encoder, most).tolist()] == links
    found = find_duplicates(texts, encoder, most)
    assert found == expected_duplicates(links, len(texts))
    groups = group_duplicates(texts, encoder, most)
    assert all(groups[earlier] == groups[later] for earlier, later in links)
    assert len(set(groups)) <= sum(place is None for place in found)


def test_twenty_thousand_questions_take_less_than_two_minutes() -> None:
    texts = written(MANY, subjects=8000)
    encoder = GivenVectors(0.2)
    start = time.process_time()  # of all threads, so that other work on the machine doesn't count
    found = find_duplicates(texts, encoder, ALIKE)
    splits = assign_splits(texts, encoder, ALIKE, validation_share=0.1, test_shares=[0.3] * MANY)
    seconds = time.process_time() - start
    kept = sum(place is None for place in found)
    assert 5000 < kept < 10000
    assert {"train", "validation", "test"} == set(splits)
    assert seconds < 120, f"{seconds:.0f} seconds of CPU time"


@pytest.mark.models
def test_near_duplicates_are_found_whatever_their_order(encoder: Encoder) -> None:
    assert find_duplicates(TEXTS, encoder, ALIKE) == [None, 0, None, None, None, 0]
    assert {(0, 1), (0, 5)} <= set(map(tuple, find_links(TEXTS, encoder, ALIKE).tolist()))
    groups = group_duplicates(TEXTS, encoder, ALIKE)
    assert groups[0] == groups[1] == groups[5]
    assert len(set(groups)) == 4


@pytest.mark.models
def test_nothing_has_no_duplicates(encoder: Encoder) -> None:
    assert find_duplicates([], encoder, ALIKE) == []
    assert group_duplicates([], encoder, ALIKE) == []
