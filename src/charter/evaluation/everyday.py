"""Answers to questions on what everybody knows, in English: whether they are right."""

from charter.evaluation.answer_language import load_answer_language
from charter.evaluation.key_facts import Scorer
from charter.project.exam_records import EverydayFact, ExamQuestion
from charter.project.records import content_id

_LANGUAGE = load_answer_language("en")


def is_right(fact: EverydayFact, answer: str) -> bool:
    """Say whether an answer is right, by the rules of exams.

    The question's own words and numbers belong to a right answer, as in "2 + 2 = 4".
    """
    question = ExamQuestion(
        id=content_id(fact.prompt),
        section="",
        kind="fact",
        question=fact.prompt,
        references=tuple(f"{fact.prompt} {right}." for right in fact.answers),
        key_facts=(fact.answers,),
        must_not_say=(),
        polarity=None,
        quote="",
    )
    return Scorer(question, _LANGUAGE).mark(answer).right
