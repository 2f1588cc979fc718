"""Questions put with what retrieval finds, and what is learnt beside it."""

from collections.abc import Sequence
from functools import partial
from typing import cast

import pytest

from charter.evaluation.answer_language import load_answer_language
from charter.evaluation.key_facts import Scorer
from charter.project.exam_records import ExamQuestion
from charter.project.records import Chunk, InstructExample
from charter.project.sections import Retrieval
from charter.project.training_sections import OpenBook
from charter.retrieval.encoder import Encoder
from charter.retrieval.index import Index
from charter.retrieval.ranking import Ranker, Ranking
from charter.retrieval.units import units_of
from charter.training.examples import OpenBookExample
from charter.training.open_book import open_book_examples, unanswered
from rows import chunk_of

book = partial(OpenBook, exercises=0)


class Planned:
    """A ranker that finds the passages at the given places, whatever is asked."""

    def __init__(self, places: Sequence[int]) -> None:
        self.places = places

    def rank(self, questions: Sequence[str], count: int) -> list[Ranking]:
        return [[(place, 0.5) for place in self.places[:count]] for _ in questions]


def _make(
    rows: Sequence[InstructExample],
    settings: OpenBook,
    *,
    found: Sequence[int] = tuple(range(6)),
    texts: Sequence[str] = tuple(f"Passage {place}." for place in range(6)),
    seed: int = 3,
    language: str | None = "eng",
) -> list[OpenBookExample]:
    """Each row rests on the chunk at its place; ``found`` are places among all sentences."""
    chunks: list[Chunk] = [
        chunk_of(text, chunk_id=f"chunk-{place}", language=language) for place, text in enumerate(texts)
    ]
    settled = Retrieval(unit="sentence", method="dense", passages=1)
    units = [(chunk.id, span) for chunk, span in units_of(chunks, "sentence")]
    index = Index(settled, [cast("Ranker", Planned(found))], units, cast("Encoder", None))
    own = [row.model_copy(update={"chunk_id": f"chunk-{place}"}) for place, row in enumerate(rows)]
    return open_book_examples(own, chunks, index, settings, seed)


def written(passages: int) -> OpenBook:
    return book(passages=passages, right=1.0, wrong=0.0, answer="written")


def test_what_is_found_is_shown_in_its_order_where_the_right_one_is_among_it(
    answers: list[InstructExample],
) -> None:
    made = _make(answers[:2], written(2), found=(1, 0, 2))
    assert [(row.question, row.passages, row.answer) for row in made] == [
        (row.question, ("Passage 1.", "Passage 0."), row.answer) for row in answers[:2]
    ]


def test_the_right_one_stands_in_place_of_the_last_where_it_was_not_found(
    answers: list[InstructExample],
) -> None:
    made = _make(answers[:1], written(3), found=(4, 3, 2))
    assert made[0].passages == ("Passage 4.", "Passage 3.", "Passage 0.")
    assert _make(answers[:1], written(1), found=(4,))[0].passages == ("Passage 0.",)


def test_the_right_sentence_is_the_one_that_the_answer_rests_on(answers: list[InstructExample]) -> None:
    texts = ("Dogs stay out. The cat is fed at eight.", "Towels are free.")
    row = answers[0].model_copy(update={"support": "The cat is fed at eight."})
    made = _make([row], written(2), found=(0, 2), texts=texts)
    # Another sentence of the same chunk isn't enough.
    assert made[0].passages == ("Dogs stay out.", "The cat is fed at eight.")


def test_beside_the_right_passage_the_sentence_that_an_answer_rests_on_may_be_learnt(
    answers: list[InstructExample],
) -> None:
    texts = ("Who is late pays EUR 2 a day.", "Lost books cost EUR 9.")
    rows = [answers[0].model_copy(update={"support": texts[0]}), answers[1]]
    whole = _make(rows, written(1), texts=texts, found=(0, 1))
    assert [row.answer for row in whole] == [row.answer for row in rows]
    # Where no sentence stands by itself there is none to learn.
    sentences = _make(
        rows, book(passages=1, right=1.0, wrong=0.0, answer="sentence"), texts=texts, found=(0, 1)
    )
    assert [(row.question, row.answer) for row in sentences] == [(rows[0].question, texts[0])]


def test_passages_of_other_chunks_come_with_the_answer_that_the_document_does_not_say(
    answers: list[InstructExample],
) -> None:
    texts = ("One. Two.", *(f"Passage {place}." for place in range(1, 6)))
    made = _make(
        answers, book(passages=2, right=0.0, wrong=1.0, answer="sentence"), texts=texts, found=range(7)
    )
    assert [row.question for row in made] == [row.question for row in answers]
    assert made[0].passages == ("Passage 1.", "Passage 2.")
    assert made[1].passages == ("One.", "Two.")
    assert all(row.answer in unanswered("eng") for row in made)


def test_where_nothing_else_is_found_nothing_is_learnt(answers: list[InstructExample]) -> None:
    assert _make(answers[:1], book(passages=1, right=0.0, wrong=1.0, answer="sentence"), found=(0,)) == []


def test_shares_of_the_rows_are_drawn_by_the_seed(answers: list[InstructExample]) -> None:
    half = book(passages=1, right=0.5, wrong=0.34, answer="written")
    made = _make(answers, half)
    assert [row.answer in unanswered("eng") for row in made] == [False] * 3 + [True] * 2
    assert made == _make(answers, half)
    assert any(made != _make(answers, half, seed=seed) for seed in range(5))
    assert len({row.id for row in made}) == len(made)


@pytest.mark.parametrize("language", [None, "tlh"])
def test_without_words_for_it_there_are_no_rows_without_an_answer(
    answers: list[InstructExample], language: str | None
) -> None:
    made = _make(answers, book(passages=1, right=0.5, wrong=1.0, answer="written"), language=language)
    assert [row.answer for row in made] == [
        row.answer for row in answers if row.question in {m.question for m in made}
    ]
    assert len(made) == 3


def test_the_exam_understands_the_english_words() -> None:
    question = ExamQuestion(
        id="q",
        section="Hours",
        kind="unanswerable",
        question="When does the canteen close on Sundays?",
        references=("The document doesn't say.", "No hour is given."),
        key_facts=(),
        must_not_say=(),
        polarity=None,
        quote="",
        why="",
    )
    scorer = Scorer(question, load_answer_language("en"))
    assert all(scorer.mark(sentence).right for sentence in unanswered("eng"))
