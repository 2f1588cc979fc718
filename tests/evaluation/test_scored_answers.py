"""Answers with their scores: what is read beside the table."""

import csv
from io import StringIO

import pytest
import sacrebleu

from charter.evaluation.results import gold_rank
from charter.evaluation.scored_answers import (
    answers_csv,
    by_section,
    describe_answer,
    most_changed,
    score_answers,
    top_sections,
    worst,
)
from charter.evaluation.win_rate import WIN_RATE
from charter.project.errors import CharterError
from charter.project.records import Judgement, Passage, Prediction, System
from rows import chunk_of

TITLE = "The Code"
CHUNKS = [
    chunk_of("Gifts are reported.", chunk_id="gifts", headings=(TITLE, "1 Gifts", "1.1 Limits")),
    chunk_of("Trips are booked.", chunk_id="trips", headings=(TITLE, "2 Trips")),
]
REFERENCE = "every gift above fifty euros is reported within five days"


def answered(item: str, chunk: str, words: int, system: System = "dpo", found: str = "") -> Prediction:
    return Prediction(
        id=item + system + found,
        item_id=item,
        chunk_id=chunk,
        system=system,
        rag=bool(found),
        question=f"Question {item}?",
        reference=REFERENCE,
        retrieved=tuple(Passage(chunk_id=name, score=0.5) for name in found.split()),
        answer=" ".join(REFERENCE.split()[:words]),
    )


PREDICTIONS = [
    answered("a", "trips", 10),
    answered("a", "trips", 10, "sft"),
    answered("b", "gifts", 0),
    answered("b", "gifts", 4, "sft"),
    answered("c", "gifts", 5),
    answered("c", "gifts", 4, "sft"),
    answered("c", "gifts", 7, found="trips gifts"),
]
VERDICTS = [
    Judgement(
        id=f"{swapped}",
        item_id="c",
        chunk_id="gifts",
        comparison=WIN_RATE + "dpo",
        swapped=swapped,
        probability_first=0.3 if swapped else 0.9,
        mass=1.0,
    )
    for swapped in (False, True)
]


def test_bleu_has_the_tokens_of_the_corpus_language() -> None:
    reference, answer = "法律之前人人平等。", "法律之前人人都平等。"
    row = answered("a", "law", 0).model_copy(update={"reference": reference, "answer": answer})
    (scored,) = score_answers([row], [], [chunk_of(reference, chunk_id="law", language="cmn")])
    assert scored.bleu == pytest.approx(sacrebleu.sentence_bleu(answer, [reference], tokenize="zh").score)
    assert scored.bleu > sacrebleu.sentence_bleu(answer, [reference]).score


def test_an_answer_has_its_scores_and_leads_back_to_its_chunk() -> None:
    scored = {(row.row.item_id, row.label): row for row in score_answers(PREDICTIONS, VERDICTS, CHUNKS)}
    row = scored["c", "dpo"]
    assert (row.section, row.source) == ("1 Gifts", "Gifts are reported.")
    assert row.rouge_l == pytest.approx(2 * 5 / (5 + 10))
    assert row.bleu == pytest.approx(sacrebleu.sentence_bleu(row.row.answer, [REFERENCE]).score)
    assert row.win_score == pytest.approx((0.9 + 0.7) / 2)
    assert (gold_rank(row.row), row.passages) == (None, ())
    assert scored["a", "dpo"].win_score is None
    with_rag = scored["c", "dpo+rag"]
    assert (gold_rank(with_rag.row), with_rag.passages) == (2, ("Trips are booked.", "Gifts are reported."))
    assert scored["b", "dpo"].rouge_l == scored["b", "dpo"].bleu == 0


def test_the_score_is_the_first_judges() -> None:
    others = [
        row.model_copy(update={"judge": "larger", "id": f"larger {row.id}", "probability_first": 0.5})
        for row in VERDICTS
    ]
    for verdicts, expected in (([*VERDICTS, *others], 0.8), ([*others, *VERDICTS], 0.5)):
        scored = {(row.row.item_id, row.label): row for row in score_answers(PREDICTIONS, verdicts, CHUNKS)}
        assert scored["c", "dpo"].win_score == pytest.approx(expected)


def test_answers_are_in_the_order_of_the_document() -> None:
    scored = score_answers(PREDICTIONS, [], CHUNKS)
    assert [row.row.item_id for row in scored] == ["b", "b", "c", "c", "c", "a", "a"]
    assert [row.label for row in scored[2:5]] == ["dpo+rag", "sft", "dpo"]


def test_the_worst_come_first_and_the_empty_answer_is_among_them() -> None:
    found = worst(score_answers(PREDICTIONS, [], CHUNKS), "dpo", 2)
    assert [row.row.item_id for row in found] == ["b", "c"]


def test_changes_are_by_size_and_what_is_equal_is_none() -> None:
    changes = most_changed(score_answers(PREDICTIONS, [], CHUNKS), "dpo", "sft", 5)
    assert [(own.row.item_id, own.label, other.label) for own, other in changes] == [
        ("b", "dpo", "sft"),
        ("c", "dpo", "sft"),
    ]
    gains = [own.rouge_l - other.rouge_l for own, other in changes]
    assert gains == pytest.approx([-2 * 4 / 14, 2 * 5 / 15 - 2 * 4 / 14])


def test_sections_have_the_means_of_their_questions() -> None:
    gifts, trips = by_section(score_answers(PREDICTIONS, [], CHUNKS))
    assert (gifts.section, gifts.n, trips.section, trips.n) == ("1 Gifts", 2, "2 Trips", 1)
    assert gifts.rouge_l["dpo"] == pytest.approx((0 + 2 / 3) / 2)
    assert gifts.rouge_l["dpo+rag"] == pytest.approx(14 / 17)
    assert trips.rouge_l == {"sft": 1, "dpo": 1}


def test_a_title_over_everything_is_no_section() -> None:
    untitled = chunk_of("Preface.", chunk_id="preface")
    assert top_sections([*CHUNKS, untitled]) == {"gifts": "1 Gifts", "trips": "2 Trips", "preface": "d"}
    other = chunk_of("Other.", chunk_id="other", document="e", headings=("Only one",))
    named = top_sections([*CHUNKS, other, untitled])
    assert named == {"gifts": "d > 1 Gifts", "trips": "d > 2 Trips", "other": "e > Only one", "preface": "d"}


def test_the_table_has_every_answer_whole() -> None:
    rows = list(csv.DictReader(StringIO(answers_csv(score_answers(PREDICTIONS, VERDICTS, CHUNKS)))))
    assert len(rows) == len(PREDICTIONS)
    assert list(rows[0]) == [
        *("item", "section", "question", "reference", "source", "system", "answer"),
        *("bleu", "rougeL", "win_score", "gold_rank", "passages"),
    ]
    row = next(row for row in rows if row["system"] == "dpo+rag")
    assert (row["gold_rank"], row["passages"]) == ("2", "Trips are booked.\n\nGifts are reported.")
    assert [row["win_score"] for row in rows if row["win_score"]] == ["0.8000"]


def test_an_answer_is_described_beside_the_other() -> None:
    scored = {(row.row.item_id, row.label): row for row in score_answers(PREDICTIONS, VERDICTS, CHUNKS)}
    text = describe_answer(scored["b", "dpo"], scored["b", "sft"])
    assert "dpo        (no answer)  [ROUGE-L 0.000, BLEU 0.0]" in text
    assert "sft        every gift above fifty  [ROUGE-L 0.571" in text
    assert "wins 0.800" in describe_answer(scored["c", "dpo"])
    assert "the source place 2 of 2 retrieved" in describe_answer(scored["c", "dpo+rag"])


def test_a_chunk_that_is_gone_is_named() -> None:
    with pytest.raises(CharterError, match="chunk trips, which answers lead back to, is gone"):
        score_answers(PREDICTIONS, [], CHUNKS[:1])
