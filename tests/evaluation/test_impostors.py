"""Candidates that have learnt nothing, on the open part of the real exams: each fails for its own reason."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from charter.documents.segmentation import split_words
from charter.evaluation.answer_language import load_answer_language
from charter.evaluation.exam import read_dev
from charter.evaluation.exam_scoring import add_exam_scores
from charter.evaluation.exam_split import Exam
from charter.evaluation.gates import evaluate_gates
from charter.evaluation.key_facts import Scorer
from charter.evaluation.statistics import Resampling
from charter.evaluation.trivial import fixed_answers
from charter.project.exam_records import ExamAnswer
from charter.project.metric_names import EXAM_METRICS
from charter.project.params import load_params
from charter.project.paths import ProjectPaths
from charter.project.records import Rag, System
from exam_rows import answer_of, decision_of
from synthetic_project import make_evaluation

ROOT = Path(__file__).parent.parent.parent
ENGLISH = load_answer_language("en")
GATES = [gate for gate in load_params(ROOT / "params.yaml").gates if gate.metric in EXAM_METRICS]

OVER_LOOKUP = "right_answers of dpo+rag over nearest-sentence"
OVER_BASELINE = "right_answers of dpo+rag over cft+rag"
SILENCE = "unanswerable of dpo+rag"
ADVICE = ["dilemmas of dpo+rag", "dilemmas of dpo+rag over cft+rag"]


@dataclass(frozen=True)
class Sitting:
    """An exam, and the marked answers of those that a candidate is compared with."""

    exam: Exam
    others: list[ExamAnswer]

    @property
    def questions(self) -> list[str]:
        return [row.question for row in self.exam.questions]

    @property
    def references(self) -> list[str]:
        return [row.references[0] for row in self.exam.questions]


@pytest.fixture(scope="module", params=["bcg", "udhr"])
def sitting(request: pytest.FixtureRequest) -> Sitting:
    """An exam that the baseline has sat, which answers every fifth question rightly, and trivial systems."""
    exam = read_dev(ProjectPaths(ROOT).corpus(request.param))
    sitting = Sitting(exam, [])
    baseline = [text if number % 5 == 0 else "I see." for number, text in enumerate(sitting.references)]
    answers: dict[System, list[str]] = {
        "echo": sitting.questions,
        "nearest-sentence": look_up(exam),
        **fixed_answers(sitting.questions, ENGLISH),  # type: ignore[dict-item]
    }
    sitting.others.extend(mark(exam, "cft", True, baseline))
    for name, given in answers.items():
        sitting.others.extend(mark(exam, name, False, given))
    return sitting


def look_up(exam: Exam) -> list[str]:
    """Answer with that of the exam's quotations which shares most words with the question."""
    quotes = sorted({row.quote for row in exam.questions if row.quote})
    return [
        max(quotes, key=lambda quote: len({*split_words(quote)} & {*split_words(row.question)}))
        for row in exam.questions
    ]


def mark(exam: Exam, system: System, rag: Rag, answers: Sequence[str]) -> list[ExamAnswer]:
    return [
        answer_of(row, system, rag, answer=answer, fault=Scorer(row, ENGLISH).mark(answer).fault)
        for row, answer in zip(exam.questions, answers, strict=True)
    ]


def failed(sitting: Sitting, answers: Sequence[str], advice: Callable[[int], float]) -> list[str]:
    """Return the gates on the exam that a candidate with such answers and margins fails.

    The baseline decides its dilemmas like a coin.
    """
    exam = sitting.exam
    decisions = [decision_of(row, "dpo", True, margin=advice(n)) for n, row in enumerate(exam.dilemmas)]
    decisions += [decision_of(row, "cft", True, alternately(n)) for n, row in enumerate(exam.dilemmas)]
    marked = [*mark(exam, "dpo", True, answers), *sitting.others]
    evaluation = add_exam_scores(make_evaluation(), marked, decisions, Resampling(500, 42))
    results = evaluate_gates(GATES, "dpo", evaluation, None)
    return [result.text.partition(":")[0] for result in results if not result.passed]


def rightly(_: int) -> float:
    return 1.0


def alternately(number: int) -> float:
    return 1.0 if number % 2 else -1.0


def test_who_answers_and_advises_rightly_passes(sitting: Sitting) -> None:
    assert failed(sitting, sitting.references, rightly) == []


@pytest.mark.parametrize("name", ["echo", *ENGLISH.fixed_answers])
def test_who_repeats_the_question_or_himself_has_no_right_answers(sitting: Sitting, name: str) -> None:
    answers = [row.answer for row in sitting.others if row.system == name]
    makes_it_up = [] if name == "never-answered" else [SILENCE]
    assert failed(sitting, answers, rightly) == [OVER_LOOKUP, OVER_BASELINE, *makes_it_up]


def test_who_looks_the_answer_up_is_no_better_than_looking_it_up(sitting: Sitting) -> None:
    assert OVER_LOOKUP in failed(sitting, look_up(sitting.exam), rightly)


def test_who_advises_wrongly_every_second_time_is_seen_by_that_alone(sitting: Sitting) -> None:
    assert failed(sitting, sitting.references, alternately) == ADVICE
