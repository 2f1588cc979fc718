"""Exercises in reading: what is shown, what is learnt beside it, and the ones that come along."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from charter.documents.segmentation import split_words
from charter.project.errors import CharterError
from charter.project.exam_records import ExamQuestion
from charter.project.exercise_records import Exercise, ExerciseDocument
from charter.project.paths import ProjectPaths
from charter.project.storage import read_rows, write_rows
from charter.project.training_sections import OpenBook
from charter.retrieval.encoder import Encoder, Vectors
from charter.training.examples import OpenBookExample
from charter.training.exercises import exercise_examples, read_exercises
from charter.training.open_book import unanswered

ROOT = ProjectPaths(Path(__file__).parents[2])
SENTENCES = ("Dogs stay outside.", "The gate is shut at nine.", "Keys are lent for two days.")
GATE = Exercise(question="Can I come in at ten?", word="No.", sentence=1)
KEYS = Exercise(question="How long may I keep a key?", sentence=2)
NONE = Exercise(question="May cats come in?", sentence=None)


class Ordered(Encoder):
    """Finds sentences in an order of their own, whatever is asked."""

    def __init__(self, order: Sequence[int]) -> None:
        self.order = order

    def encode_questions(self, questions: Sequence[str]) -> Vectors:
        return np.tile(np.float32([1, 0]), (len(questions), 1))

    def encode_passages(self, passages: Sequence[str]) -> Vectors:
        ranks = [self.order.index(place) for place in range(len(passages))]
        return np.array([[1 - 0.1 * rank, 0] for rank in ranks], dtype=np.float32)


def put(
    *questions: Exercise,
    passages: int = 1,
    count: int = 9,
    order: Sequence[int] = (0, 1, 2),
    language: str | None = "eng",
    seed: int = 3,
) -> list[OpenBookExample]:
    document = ExerciseDocument(id="d", title="House rules", sentences=SENTENCES, questions=questions)
    settings = OpenBook(passages=passages, right=0.0, wrong=0.0, answer="sentence", exercises=count)
    return exercise_examples([document], language, settings, Ordered(order), seed)


def test_the_answer_is_the_word_and_the_sentence_that_decides_which_is_always_shown() -> None:
    (gate, keys) = put(GATE, KEYS, order=(0, 2, 1))
    assert (gate.question, gate.passages, gate.answer) == (
        GATE.question,
        SENTENCES[1:2],
        f"No. {SENTENCES[1]}",
    )
    assert (keys.passages, keys.answer) == (SENTENCES[2:], SENTENCES[2])


def test_some_are_put_with_one_sentence_and_some_with_more_in_the_order_that_they_are_found() -> None:
    made = [put(GATE, passages=2, order=(2, 0, 1), seed=seed)[0].passages for seed in range(12)]
    assert set(made) == {(SENTENCES[1],), (SENTENCES[2], SENTENCES[1])}


def test_where_no_sentence_decides_the_nearest_is_shown_and_the_answer_says_so() -> None:
    (none,) = put(NONE, order=(2, 0, 1))
    assert none.passages == (SENTENCES[2],)
    assert none.answer in unanswered("eng")
    # Without words for it there is nothing to learn from it.
    assert [row.question for row in put(NONE, GATE, language="tlh")] == [GATE.question]


def test_so_many_are_drawn_as_are_asked_for_by_the_seed() -> None:
    drawn = {tuple(row.question for row in put(GATE, KEYS, NONE, count=2, seed=seed)) for seed in range(20)}
    assert len(drawn) == 3
    assert all(len(questions) == 2 for questions in drawn)
    assert put(GATE, KEYS, count=0) == []


def test_a_question_must_rest_on_a_sentence_that_is_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="rests on sentence 3, which isn't there"):
        put(Exercise(question="Why?", sentence=3))
    with pytest.raises(ValueError, match="has a word, and no sentence"):
        put(Exercise(question="Why?", word="No.", sentence=None))
    path = ProjectPaths(tmp_path).exercises("eng")
    assert read_exercises(path) == []
    write_rows(path, [KEYS])
    with pytest.raises(CharterError, match=r"eng\.jsonl:1: not a ExerciseDocument"):
        read_exercises(path)


@pytest.fixture(scope="module")
def english() -> list[ExerciseDocument]:
    return read_exercises(ROOT.exercises("eng"))


def test_yes_and_no_are_in_balance_in_each_of_those_that_come_along(english: list[ExerciseDocument]) -> None:
    assert len(english) == len({document.id for document in english}) >= 36
    for document in english:
        words = Counter(row.word for row in document.questions if row.sentence is not None)
        assert words["Yes."] == words["No."] >= 3, document.id
        assert sum(row.sentence is None for row in document.questions) >= 3, document.id


def test_words_of_a_question_hardly_tell_yes_from_no(english: list[ExerciseDocument]) -> None:
    """By naive Bayes on the words, learnt from the other documents."""
    asked = [(document.id, row) for document in english for row in document.questions if row.word]
    right = 0
    for name, row in asked:
        counts: dict[str, Counter[str]] = {"Yes.": Counter(), "No.": Counter()}
        for other, known in asked:
            if other != name:
                counts[known.word].update(set(split_words(known.question)))
        lead = sum(
            np.log((counts["Yes."][word] + 1) / (counts["No."][word] + 1))
            for word in set(split_words(row.question))
        )
        right += (lead > 0) == (row.word == "Yes.")
    assert 0.4 <= right / len(asked) <= 0.62


def test_no_question_is_one_of_an_exam(english: list[ExerciseDocument]) -> None:
    asked = {row.question for document in english for row in document.questions}
    for corpus in ("udhr", "bcg"):
        exam = read_rows(ROOT.corpus(corpus).exam_questions, ExamQuestion)
        assert asked.isdisjoint(row.question for row in exam)
