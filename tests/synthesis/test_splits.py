"""Splits: no near-duplicate of a held-out question is trained on, and an amendment moves little."""

import pytest

from charter.retrieval.encoder import Encoder
from charter.synthesis.duplicates import Likeness, find_links
from charter.synthesis.splits import assign_splits

pytestmark = pytest.mark.models

ALIKE, SAME = Likeness(0.85, 0.7), Likeness(1.0, 0.7)
WORDS = ["tax", "river", "school", "vote", "prison", "song", "bread", "ship", "doctor", "judge", "winter"]
VERBS = ["own", "paint", "sell", "study", "forbid", "cross", "inherit", "repair", "export", "guard", "name"]


def test_no_link_crosses_splits(encoder: Encoder) -> None:
    texts = [
        question
        for word, verb in zip(WORDS * 4, VERBS * 3 + VERBS[::-1], strict=True)
        for question in (f"Who may {verb} a {word}?", f"Who is it that may {verb} the {word}?")
    ]
    splits = assign_splits(texts, encoder, ALIKE, validation_share=0.2, test_shares=[0.3] * len(texts))
    links = find_links(texts, encoder, ALIKE)
    assert set(splits) == {"train", "validation", "test"}
    assert len(links) > len(texts) / 4
    assert all(splits[first] == splits[second] for first, second in links)


def test_ties_join_what_is_worded_differently(encoder: Encoder) -> None:
    texts = [f"Who may {verb} a {word}?" for word in WORDS for verb in VERBS]
    ties = [(place, len(texts) - 1 - place) for place in range(len(texts) // 2)]
    free = assign_splits(texts, encoder, SAME, validation_share=0.2, test_shares=[0.3] * len(texts))
    tied = assign_splits(
        texts, encoder, SAME, validation_share=0.2, test_shares=[0.3] * len(texts), ties=ties
    )
    assert any(free[first] != free[second] for first, second in ties)
    assert all(tied[first] == tied[second] for first, second in ties)
    assert set(tied) == {"train", "validation", "test"}


def test_a_few_texts_that_must_be_trained_on_are_not_all_held_out(encoder: Encoder) -> None:
    texts = [f"Who may {verb} a {word}?" for word in WORDS for verb in VERBS]
    free = assign_splits(texts, encoder, SAME, validation_share=0.1, test_shares=[0.3] * len(texts))
    held_out = [place for place, split in enumerate(free) if split != "train"][:4]
    ties = [(held_out[0], held_out[1])]
    splits = assign_splits(texts, encoder, SAME, 0.1, [0.3] * len(texts), ties=ties, trained=held_out)
    moved = [place for place in range(len(texts)) if splits[place] != free[place]]
    assert any(splits[place] == "train" for place in held_out)
    assert set(moved) <= set(held_out)
    assert splits[held_out[0]] == splits[held_out[1]]
    trained = [free.index("train"), *held_out]
    assert assign_splits(texts, encoder, SAME, 0.1, [0.3] * len(texts), trained=trained) == free


def test_shares_are_kept_and_an_amendment_moves_nothing_else(encoder: Encoder) -> None:
    texts = [f"Who may {verb} a {word}?" for word in WORDS for verb in VERBS]
    splits = assign_splits(texts, encoder, SAME, validation_share=0.1, test_shares=[0.3] * len(texts))
    assert 0.2 < splits.count("test") / len(splits) < 0.4
    assert 0.04 < splits.count("validation") / len(splits) < 0.2
    amended = ["Who signs the yearly safety report?", *texts[5:]]
    assert assign_splits(amended, encoder, SAME, 0.1, [0.3] * len(amended))[1:] == splits[5:]


def test_each_text_has_its_share(encoder: Encoder) -> None:
    texts = [f"Who may {verb} a {word}?" for word in WORDS for verb in VERBS]
    half = len(texts) // 2
    splits = assign_splits(texts, encoder, SAME, 0.1, [0.0] * half + [0.9] * (len(texts) - half))
    assert "test" not in splits[:half]
    assert splits[half:].count("test") > 0.75 * (len(texts) - half)


def test_nothing_gives_nothing(encoder: Encoder) -> None:
    assert assign_splits([], encoder, ALIKE, 0.1, []) == []
