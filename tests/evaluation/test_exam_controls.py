"""Contests for the judge that come from the exam."""

from collections import Counter

from charter.evaluation.answer_language import load_answer_language
from charter.evaluation.exam_controls import exam_controls
from charter.evaluation.exam_split import Exam
from charter.evaluation.judge import Contest
from charter.evaluation.win_rate import IDENTICAL, PREFERENCE, SHUFFLED
from exam_rows import dilemma_of, question_of, unanswerable
from rows import chunk_of

CHUNKS = [chunk_of("Gifts are reported within 30 days. The office decides."), chunk_of("Parking is free.")]
ENGLISH = load_answer_language("en")


def asked() -> list[Contest]:
    questions = [
        question_of("days"),
        question_of("again", references=("Thirty days, no more.", "30 days.")),
        question_of(
            "who",
            references=("The office.", "The office decides."),
            key_facts=(("office",),),
            quote="The office decides.",
        ),
        question_of(
            "parking",
            "Parking",
            references=("Nothing at all.", "It costs nothing."),
            key_facts=(("nothing",),),
            quote="Parking is free.",
        ),
        question_of("lost", quote="It says something else."),
        unanswerable("u"),
    ]
    dilemmas = [dilemma_of("d"), dilemma_of("e", quote="Not in it.")]
    return exam_controls(Exam(questions, dilemmas), CHUNKS, ENGLISH, 0)


def test_a_wrong_answer_is_one_of_the_section_that_the_key_facts_refuse() -> None:
    shuffled = {row.item_id: (row.first, row.second) for row in asked() if row.comparison == SHUFFLED}
    # "again" answers "days" rightly, so the office's is the wrong one; "parking" is alone in its section.
    assert shuffled["days"] == ("Within 30 days.", "The office.")
    assert shuffled["again"][1] == "The office."
    assert shuffled["who"][1] in ("Within 30 days.", "Thirty days, no more.")
    assert set(shuffled) == {"days", "again", "who"}


def test_every_item_with_a_passage_is_asked_once_of_each_kind() -> None:
    contests = asked()
    assert Counter(row.comparison for row in contests) == {IDENTICAL: 4, SHUFFLED: 3, PREFERENCE: 1}
    assert all(row.first == row.second for row in contests if row.comparison == IDENTICAL)
    (decided,) = (row for row in contests if row.comparison == PREFERENCE)
    assert (decided.first, decided.second) == ("Report it today.", "Keep quiet about it.")
    assert decided.chunk == CHUNKS[0]


def test_a_count_takes_fewer() -> None:
    questions = [question_of(str(number)) for number in range(9)]
    contests = exam_controls(Exam(questions, []), CHUNKS, ENGLISH, 3)
    assert [row.item_id for row in contests if row.comparison == IDENTICAL] == ["1", "4", "7"]
