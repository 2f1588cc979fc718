"""What is counted of votes, and which pairs come of them."""

import pytest

from charter.comparing.tally import Standing, count_votes, preferred_pairs
from charter.evaluation.statistics import clustered_share
from charter.project.vote_records import Vote
from vote_rows import vote_of


def standing(votes: list[Vote], system: str, against: str | None) -> Standing:
    [found] = [row for row in count_votes(votes) if (row.system, row.against) == (system, against)]
    return found


def counts(row: Standing) -> tuple[int, int, int]:
    return row.won, row.tied, row.lost


def test_the_best_of_several_is_better_than_each_and_says_nothing_of_the_others() -> None:
    votes = [vote_of("Why?", {"seed": "a", "sft+rag": "b", "dpo": "c"}, best=1)]
    assert counts(standing(votes, "sft+rag", None)) == (2, 0, 0)
    assert counts(standing(votes, "seed", None)) == (0, 0, 1)
    assert counts(standing(votes, "dpo", "sft+rag")) == (0, 0, 1)
    assert not [row for row in count_votes(votes) if (row.system, row.against) == ("dpo", "seed")]


def test_none_and_the_same_words_are_ties() -> None:
    votes = [
        vote_of("Why?", {"sft": "a", "dpo": "b"}, best=None),
        vote_of("How?", {"sft": "a", "dpo": "a"}, best=0),
    ]
    row = standing(votes, "dpo", "sft")
    assert counts(row) == (0, 2, 0)
    assert row.rate.value == 0.5


def test_the_interval_is_wilsons_over_questions() -> None:
    texts = {"sft": "a", "dpo": "b"}
    once = [vote_of(f"{number}?", texts, best=int(number % 4 == 0)) for number in range(12)]
    row = standing(once, "dpo", "sft")
    assert row.rate == clustered_share([1, 0, 0, 0] * 3, [str(number) for number in range(12)])
    assert counts(row) == (3, 0, 9)
    often = [vote_of(f" {number}?".upper(), texts, best=int(number % 4 == 0)) for number in range(12)]
    again = standing(once + often, "dpo", "sft").rate
    assert (again.low, again.high) == pytest.approx((row.rate.low, row.rate.high), abs=0.02)
    assert again.n == 24


def test_pairs_are_what_the_majority_preferred() -> None:
    texts = {"sft": "Ask first.", "dpo": "Take it.", "seed": "Hm."}
    votes = [
        vote_of("May I?", texts, best=0),
        vote_of("May I?", texts, best=0),
        vote_of("May I?", texts, best=1),
        vote_of("Even?", texts, best=0),
        vote_of("Even?", texts, best=1),
        vote_of("None?", texts, best=None),
    ]
    pairs = {(row.prompt, row.chosen, row.rejected) for row in preferred_pairs(votes)}
    assert pairs == {
        ("May I?", "Ask first.", "Take it."),
        ("May I?", "Ask first.", "Hm."),
        ("May I?", "Take it.", "Hm."),
        ("Even?", "Ask first.", "Hm."),
        ("Even?", "Take it.", "Hm."),
    }
    [row] = preferred_pairs([vote_of("May I?", {"sft": "Ask first.", "dpo": "Take it."}, best=0)])
    assert (row.chunk_id, row.rule) == ("gifts", "Ask before you take gifts.")
    assert len({row.id for row in preferred_pairs(votes)}) == 5


def test_what_is_cut_off_or_empty_or_the_same_is_never_chosen() -> None:
    votes = [
        vote_of("Cut?", {"sft": "Ask the", "dpo": "No."}, best=0, cut=("sft",)),
        vote_of("Empty?", {"sft": "", "dpo": "No."}, best=0),
        vote_of("Same?", {"sft": "No.", "dpo": "No."}, best=0),
    ]
    assert preferred_pairs(votes) == []
    [row] = preferred_pairs([vote_of("Cut?", {"sft": "Ask.", "dpo": "No, the"}, best=0, cut=("dpo",))])
    assert row.rejected == "No, the"
