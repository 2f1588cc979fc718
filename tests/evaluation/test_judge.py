"""The judge's contests: who meets whom, in which order, and how a verdict is read."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from charter.evaluation.evaluation_data import EvaluationData
from charter.evaluation.judge import control_contests, judge_contests, win_rate_contests
from charter.generation.engine import Completion, Request
from charter.generation.journal import JournaledEngine
from charter.generation.verdict import choice_probability
from charter.project.records import Chunk, InstructExample, PreferencePair
from rows import chunk_of, prediction_of


def chunk(name: str) -> Chunk:
    return chunk_of(f"Rule {name}.", chunk_id=name, headings=("Gifts",))


CHUNKS = {name: chunk(name) for name in ("c1", "c2")}
EXAMPLES = [
    InstructExample(id="e1", chunk_id="c1", rule="", style="s", question="q1?", answer="long reference one"),
    InstructExample(id="e2", chunk_id="c1", rule="", style="s", question="q2?", answer="long reference two"),
    InstructExample(id="e3", chunk_id="c2", rule="", style="s", question="q3?", answer="ref 3"),
]


def held_out(examples: Sequence[InstructExample], pairs: Sequence[PreferencePair] = ()) -> EvaluationData:
    return EvaluationData(CHUNKS, {}, examples, pairs)


class PrefersLonger:
    """A judge that gives the longer answer 90 %."""

    def complete(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        for index, request in enumerate(requests):
            user = request.messages[-1].content
            first = user.split("Answer A: ")[1].split("\n")[0]
            second = user.split("Answer B: ")[1].split("\n")[0]
            best = 0.5 if len(first) == len(second) else 0.9 if len(first) > len(second) else 0.1
            alternatives = (("A", math.log(best)), ("B", math.log(1 - best)))
            yield index, Completion(text="A", tokens=1, alternatives=alternatives)


class Believes:
    """A judge that gives each answer the probability of Yes that it is told; counts what it is asked."""

    def __init__(self, beliefs: dict[str, float]):
        self.beliefs = beliefs
        self.asked: list[str] = []

    def complete(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        for index, request in enumerate(requests):
            answer = request.messages[-1].content.split("Answer: ")[1].split("\n")[0]
            self.asked.append(answer)
            yes = self.beliefs[answer]
            words = (("Yes", math.log(yes)), ("No", math.log(1 - yes)))
            yield index, Completion(text="Yes", tokens=1, alternatives=words)


def test_every_system_meets_the_opponent_on_the_chosen_items() -> None:
    predictions = [
        prediction_of(item, system, rag, f"{system} {rag} {item.id}")
        for item in EXAMPLES
        for system, rag in (("seed", True), ("dpo", False))
    ]
    contests = win_rate_contests(predictions, held_out([EXAMPLES[0], EXAMPLES[2]]))
    assert {
        (contest.comparison, contest.item_id): (contest.first, contest.second) for contest in contests
    } == {
        ("win_rate:dpo", "e1"): ("dpo False e1", "seed True e1"),
        ("win_rate:dpo", "e3"): ("dpo False e3", "seed True e3"),
        ("win_rate:seed+rag", "e1"): ("seed True e1", "seed True e1"),
        ("win_rate:seed+rag", "e3"): ("seed True e3", "seed True e3"),
    }


def test_shuffled_answers_are_of_another_chunk() -> None:
    pair = PreferencePair(
        id="p",
        rule="",
        chunk_id="c2",
        prompt="p?",
        chosen="good",
        rejected="bad",
    )
    contests = control_contests(held_out(EXAMPLES, [pair]))
    kinds = [contest.comparison for contest in contests]
    assert kinds.count("control:identical") == kinds.count("control:shuffled") == 3
    assert kinds.count("control:preference") == 1
    shuffled = {c.item_id: c.second for c in contests if c.comparison == "control:shuffled"}
    assert shuffled == {"e1": "ref 3", "e2": "ref 3", "e3": "long reference one"}


def test_half_of_the_shuffled_answers_are_longer_in_whatever_order() -> None:
    chunks = {f"c{number}": chunk(f"c{number}") for number in range(12)}
    words = [5, 5, 9, 2, 7, 30, 4, 8, 6, 3, 11, 10]
    for lengths in (words, sorted(words), sorted(words, reverse=True)):
        examples = [
            InstructExample(
                id=f"e{number}",
                chunk_id=f"c{number}",
                rule="",
                style="s",
                question="q?",
                answer="word " * count,
            )
            for number, count in enumerate(lengths)
        ]
        contests = control_contests(EvaluationData(chunks, {}, examples, []))
        shuffled = [c for c in contests if c.comparison == "control:shuffled"]
        assert [contest.first for contest in shuffled] == [example.answer for example in examples]
        longer = sum(len(contest.second) > len(contest.first) for contest in shuffled)
        shorter = sum(len(contest.second) < len(contest.first) for contest in shuffled)
        assert longer + shorter == 12
        assert abs(longer - shorter) <= 2


def test_both_orders_are_judged_and_read_from_the_letters(tmp_path: Path) -> None:
    contests = control_contests(held_out(EXAMPLES))
    with JournaledEngine(tmp_path / "journal.sqlite", "judge", PrefersLonger) as judge:
        judgements = judge_contests(contests, judge, "the guidelines", "pairwise")
    found = {(row.comparison, row.item_id, row.swapped): row.probability_first for row in judgements}
    assert len(found) == len(judgements) == 3 + 2 * 3
    assert math.isclose(found["control:shuffled", "e1", False] or 0, 0.9)
    assert math.isclose(found["control:shuffled", "e1", True] or 0, 0.1)
    assert math.isclose(found["control:identical", "e1", False] or 0, 0.5)
    assert all(math.isclose(row.mass or 0, 1) for row in judgements)


def test_answers_judged_alone_are_preferred_by_their_odds(tmp_path: Path) -> None:
    pair = PreferencePair(id="p", rule="", chunk_id="c1", prompt="May I?", chosen="good", rejected="bad")
    believes = Believes({"good": 0.8, "bad": 0.2})
    contests = control_contests(held_out([], [pair]))
    with JournaledEngine(tmp_path / "journal.sqlite", "judge", lambda: believes) as judge:
        first, swapped = judge_contests(contests, judge, "the guidelines", "single")
    # Odds of 4 against odds of 1/4: 16 to 1.
    assert math.isclose(first.probability_first or 0, 16 / 17)
    assert math.isclose(swapped.probability_first or 0, 1 / 17)
    assert believes.asked == ["good", "bad"]


def test_an_answer_that_meets_several_is_judged_once(tmp_path: Path) -> None:
    predictions = [
        prediction_of(EXAMPLES[0], system, rag, answer)
        for system, rag, answer in (("seed", True, "x"), ("sft", False, "y"), ("dpo", False, "x"))
    ]
    contests = win_rate_contests(predictions, held_out(EXAMPLES[:1]))
    believes = Believes({"x": 0.3, "y": 0.999})
    with JournaledEngine(tmp_path / "journal.sqlite", "judge", lambda: believes) as judge:
        judgements = judge_contests(contests, judge, "the guidelines", "single")
    assert sorted(believes.asked) == ["x", "y"]
    wins = {row.comparison: row.probability_first or 0 for row in judgements if not row.swapped}
    assert math.isclose(wins["win_rate:dpo"], 0.5)
    assert math.isclose(wins["win_rate:sft"], 999 / (999 + 3 / 7))


def test_a_verdict_without_the_words_is_unscored() -> None:
    other = Completion(text="Hm", tokens=1, alternatives=(("Hm", -0.1),))
    assert choice_probability(other, "Yes", "No") == (None, 0)
    spelt = Completion(
        text=" yes",
        tokens=1,
        alternatives=((" yes", math.log(0.3)), ("Yes", math.log(0.3)), ("No", math.log(0.2))),
    )
    probability, mass = choice_probability(spelt, "Yes", "No")
    assert math.isclose(probability or 0, 0.75)
    assert math.isclose(mass, 0.8)
