"""Figures and comparisons of the exam."""

from typing import cast

import pytest

from charter.evaluation.answer_language import AnswerLanguage, load_answer_language
from charter.evaluation.exam_scoring import FAMILY, add_exam_scores, new_word_f1, score_exam
from charter.evaluation.exam_split import Exam
from charter.evaluation.examination import Examination
from charter.evaluation.statistics import Resampling
from charter.project.exam_records import ExamAnswer
from charter.project.records import Passage
from charter.retrieval.index import Index
from exam_rows import answer_of, decision_of, dilemma_of, question_of, unanswerable
from synthetic_project import make_evaluation

RESAMPLING = Resampling(200, 42)


def test_an_echo_has_no_f1_and_a_right_answer_has_all() -> None:
    question, references = "Who has a right to rest?", ["Everyone has a right to rest."]
    assert new_word_f1(question, question, references) == 0.0
    assert new_word_f1(question, "Everyone.", references) == 1.0
    assert new_word_f1(question, "Everyone at work.", references) == pytest.approx(0.5)
    assert new_word_f1(question, "Nobody.", ["Everyone.", "Nobody at all."]) == pytest.approx(0.5)
    assert new_word_f1(question, "", references) == 0.0


def test_figures_are_of_their_own_kinds() -> None:
    questions = [
        question_of("a", "A"),
        question_of("b", "B", kind="situation"),
        question_of("c", "C", kind="everyday"),
        unanswerable("u", "A"),
    ]
    faults = [None, "misses a fact", None, "makes it up"]
    answers = [answer_of(row, fault=fault) for row, fault in zip(questions, faults, strict=True)]
    figures, comparisons = score_exam(answers, [], RESAMPLING)
    found = {metric: (figure.value, figure.n) for metric, figure in figures["dpo"].items()}
    assert found["right_answers"] == (pytest.approx(2 / 3), 3)
    assert (found["right_facts"], found["right_situations"], found["right_everyday"]) == (
        (1, 1),
        (0, 1),
        (1, 1),
    )
    assert found["unanswerable"] == (0, 1)
    assert "dilemmas" not in found
    assert comparisons == []


def test_systems_are_compared_on_the_same_items_and_holm_is_within_the_family() -> None:
    questions = [question_of(str(number), f"Part {number % 10}") for number in range(40)]
    answers = [
        answer_of(row, system, rag, fault=None if right else "misses a fact")
        for system, rag, every in (("dpo", True, 1), ("teacher", True, 2), ("echo", False, 50))
        for number, row in enumerate(questions)
        for right in [number % every == 0]
    ]
    decisions = [
        decision_of(dilemma_of(str(number), f"Part {number % 10}"), system, margin=margin)
        for system, margin in (("dpo", 1.0), ("sft", -1.0))
        for number in range(20)
    ]
    _, comparisons = score_exam(answers, decisions, RESAMPLING)
    found = {(row.system, row.against, row.metric): row for row in comparisons}
    assert set(found) == {
        ("dpo+rag", "teacher+rag", "right_answers"),
        ("dpo+rag", "echo", "right_answers"),
        ("dpo", "sft", "dilemmas"),
    }
    better = found["dpo+rag", "teacher+rag", "right_answers"]
    assert better.difference.value == pytest.approx(0.5)
    assert better.difference.low is not None
    assert better.difference.low > 0
    assert found["dpo", "sft", "dilemmas"].difference.value == 1.0
    assert {"dilemmas", "right_answers"} == {metric for *_, metric in FAMILY}


def test_retrieval_is_measured_on_what_the_document_answers() -> None:
    shown = (Passage(chunk_id="other", score=0.9), Passage(chunk_id="own", score=0.8))
    answers = [
        answer_of(question_of("a", "A"), "dpo", True, chunk_id="own", retrieved=shown),
        answer_of(question_of("b", "B"), "dpo", True, chunk_id="other", retrieved=shown),
        answer_of(unanswerable("u"), "dpo", True, chunk_id="", retrieved=shown),
    ]
    figures, _ = score_exam(answers, [], RESAMPLING)
    assert figures["dpo+rag"]["exam_hit@1"].value == 0.5
    assert figures["dpo+rag"]["exam_hit@k"].value == 1.0
    assert figures["dpo+rag"]["exam_mrr"].value == 0.75


def test_what_was_measured_before_is_kept() -> None:
    evaluation = make_evaluation()
    answers = [answer_of(question_of(str(number), f"Part {number}"), "teacher") for number in range(3)]
    added = add_exam_scores(evaluation, answers, [], RESAMPLING)
    assert added.systems["teacher"]["right_answers"].value == 1.0
    assert added.systems["dpo"]["bleu"] == evaluation.systems["dpo"]["bleu"]
    assert added.comparisons == evaluation.comparisons


def test_right_verdicts_are_of_questions_of_yes_or_no_and_need_no_reason() -> None:
    questions = [question_of("a", "A", polarity="yes"), question_of("b", "B", polarity="no")]
    questions += [question_of("c", "C", polarity="no"), question_of("d", "D")]
    verdicts = ("yes", None, "no", None)
    faults = ("verdict alone", "misses a fact", None, None)
    answers = [
        answer_of(row, fault=fault, polarity=row.polarity, verdict=verdict)
        for row, fault, verdict in zip(questions, faults, verdicts, strict=True)
    ]
    figures, _ = score_exam(answers, [], RESAMPLING)
    found = figures["dpo"]["right_verdicts"]
    assert (found.value, found.n) == (pytest.approx(2 / 3), 3)
    assert figures["dpo"]["right_answers"].value == 0.5


def test_one_and_the_same_word_has_its_share_and_is_compared() -> None:
    questions = [
        question_of(str(number), f"Part {number % 10}", polarity=("yes", "no")[number % 2])
        for number in range(20)
    ]
    answers = [
        answer_of(row, system, rag, polarity=row.polarity, verdict=verdict or row.polarity)
        for system, rag, verdict in (("dpo", True, None), ("always-yes", False, "yes"))
        for row in questions
    ]
    figures, comparisons = score_exam(answers, [], RESAMPLING)
    assert figures["always-yes"]["right_verdicts"].value == 0.5
    (found,) = [row for row in comparisons if row.metric == "right_verdicts"]
    assert (found.system, found.against, found.difference.value) == ("dpo+rag", "always-yes", 0.5)
    assert found.p_holm is None


def test_answers_without_verdicts_have_no_share_of_right_ones() -> None:
    """Rows that an older version wrote."""
    old = [answer_of(question_of(name, name), "dpo", True).model_dump() for name in ("a", "b")]
    for row in old:
        del row["polarity"], row["verdict"]
    figures, _ = score_exam([ExamAnswer.model_validate(row) for row in old], [], RESAMPLING)
    assert "right_answers" in figures["dpo+rag"]
    assert "right_verdicts" not in figures["dpo+rag"]


@pytest.mark.parametrize(
    ("language", "polarity"), [(load_answer_language("en"), "no"), (AnswerLanguage(), None)]
)
def test_no_yes_or_no_is_counted_where_the_language_has_no_words_for_it(
    language: AnswerLanguage, polarity: str | None
) -> None:
    row = question_of("q").model_copy(update={"polarity": "no"})
    examination = Examination(
        exam=Exam([row], []),
        title="Rules",
        chunks={},
        index=cast(Index, None),
        retrieved={},
        sources={row.id: ""},
        language=language,
        max_new_tokens=9,
    )
    [answer] = examination.mark("dpo", False, ["Nein."])
    assert answer.polarity == polarity
