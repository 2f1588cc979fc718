from collections.abc import Sequence

import pytest

from charter.evaluation.answer_language import load_answer_language
from charter.evaluation.key_facts import Scorer
from charter.project.exam_records import ExamQuestion
from charter.project.records import Chunk, InstructExample
from charter.project.training_sections import OpenBook
from charter.training.open_book import NEAR, OpenBookExample, open_book_examples, unanswered


def _chunk(place: int, language: str | None) -> Chunk:
    return Chunk(
        id=f"chunk-{place}",
        document="d.txt",
        document_sha256="0" * 64,
        headings=(),
        pages=(),
        start=0,
        end=9,
        language=language,
        text=f"passage {place}",
    )


def _make(
    answers: Sequence[InstructExample],
    settings: OpenBook,
    seed: int = 3,
    language: str | None = "eng",
) -> list[OpenBookExample]:
    rows = [row.model_copy(update={"chunk_id": f"chunk-{place}"}) for place, row in enumerate(answers)]
    return open_book_examples(rows, [_chunk(place, language) for place in range(30)], settings, seed)


def test_the_right_passage_comes_with_the_answer(answers: list[InstructExample]) -> None:
    made = _make(answers, OpenBook(passages=1, right=1.0, wrong=0.0, answer="written"))
    assert [(row.question, row.passages, row.answer) for row in made] == [
        (row.question, (f"passage {place}",), row.answer) for place, row in enumerate(answers)
    ]


def test_beside_the_right_passage_the_sentence_that_an_answer_rests_on_may_be_learnt(
    answers: list[InstructExample],
) -> None:
    said = {"EUR 2 a day.": "Who is late pays EUR 2 a day.", "EUR 9.": ""}
    rows = [
        row.model_copy(update={"answer": answer, "support": support})
        for row, (answer, support) in zip(answers, said.items(), strict=False)
    ]
    written = _make(rows, OpenBook(passages=1, right=1.0, wrong=0.0, answer="written"))
    assert [row.answer for row in written] == list(said)
    # Where no sentence stands by itself there is none to learn.
    sentences = _make(rows, OpenBook(passages=1, right=1.0, wrong=0.0, answer="sentence"))
    assert [(row.question, row.answer) for row in sentences] == [(rows[0].question, said[rows[0].answer])]


def test_wrong_passages_come_with_the_answer_that_the_document_does_not_say(
    answers: list[InstructExample],
) -> None:
    made = _make(answers, OpenBook(passages=2, right=0.0, wrong=1.0, answer="sentence"))
    assert len(made) == len(answers)
    for place, row in enumerate(made):
        assert row.question == answers[place].question
        assert len(set(row.passages)) == 2
        assert all(0 < abs(int(text.split()[1]) - place) <= NEAR for text in row.passages)
        assert row.answer in unanswered("eng")


def test_the_right_one_stands_anywhere_among_wrong_ones(answers: list[InstructExample]) -> None:
    made = [
        row
        for seed in range(5)
        for row in _make(answers, OpenBook(passages=3, right=1.0, wrong=0.0, answer="written"), seed=seed)
    ]
    rank = [row.passages.index(f"passage {number % len(answers)}") for number, row in enumerate(made)]
    assert set(rank) == {0, 1, 2}
    assert all(len(set(row.passages)) == 3 for row in made)


def test_shares_of_the_rows_are_drawn_by_the_seed(answers: list[InstructExample]) -> None:
    half = OpenBook(passages=1, right=0.5, wrong=0.34, answer="written")
    made = _make(answers, half)
    assert [row.answer in unanswered("eng") for row in made] == [False] * 3 + [True] * 2
    assert made == _make(answers, half)
    assert any(made != _make(answers, half, seed=seed) for seed in range(5))
    assert len({row.id for row in made}) == len(made)


@pytest.mark.parametrize("language", [None, "tlh"])
def test_without_words_for_it_there_are_no_rows_without_an_answer(
    answers: list[InstructExample], language: str | None
) -> None:
    made = _make(answers, OpenBook(passages=1, right=0.5, wrong=1.0, answer="written"), language=language)
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
