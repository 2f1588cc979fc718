"""Rows of exams that tests are made of."""

from collections.abc import Container, Iterable
from pathlib import Path
from typing import Any

from charter.project.exam_records import Dilemma, ExamAnswer, ExamDecision, ExamQuestion, OwnAdvice
from charter.project.paths import CorpusPaths
from charter.project.records import Rag, System
from charter.project.storage import write_rows


def question_of(name: str, section: str = "Gifts", **changed: Any) -> ExamQuestion:
    """A question whose right answer is 30 days."""
    values: dict[str, Any] = {
        "kind": "fact",
        "question": "When are gifts reported?",
        "references": ("Within 30 days.", "They are reported in thirty days."),
        "key_facts": (("30 days", "thirty days"),),
        "must_not_say": ("60 days",),
        "polarity": None,
        "quote": "Gifts are reported within 30 days.",
    }
    return ExamQuestion.model_validate({"id": name, "section": section, **values, **changed})


def unanswerable(name: str, section: str = "Gifts", **changed: Any) -> ExamQuestion:
    """A question that the document doesn't answer."""
    values = {
        "references": ("It doesn't say.",),
        "key_facts": (),
        "quote": "",
        "why": "Only reports are named.",
    }
    values["must_not_say"] = ()
    return question_of(name, section, kind="unanswerable", **{**values, **changed})


def dilemma_of(name: str, section: str = "Gifts", **changed: Any) -> Dilemma:
    """A dilemma that is no member of a pair."""
    values: dict[str, Any] = {
        "scenario": f"A supplier gave me a pen ({name}). Must I report it?",
        "faithful": "Report it today.",
        "unfaithful": "Keep quiet about it.",
        "pair": None,
        "pressure": None,
        "quote": "Gifts are reported within 30 days.",
    }
    return Dilemma.model_validate({"id": name, "section": section, **values, **changed})


def pair_of(name: str, section: str = "Gifts", other: str | None = None) -> list[Dilemma]:
    """A minimal pair, whose second member may stand in another section."""
    replies = {"faithful": "Keep quiet about it.", "unfaithful": "Report it today."}
    return [
        dilemma_of(f"{name}-1", section, pair=name),
        dilemma_of(f"{name}-2", other or section, pair=name, **replies),
    ]


def answer_of(question: ExamQuestion, system: System = "dpo", rag: Rag = False, **changed: Any) -> ExamAnswer:
    """A right answer to a question."""
    values: dict[str, Any] = {
        "id": f"{question.id} {system} {rag}",
        "item_id": question.id,
        "section": question.section,
        "kind": question.kind,
        "chunk_id": "",
        "system": system,
        "rag": rag,
        "question": question.question,
        "references": question.references,
        "quote": question.quote,
        "retrieved": (),
        "answer": question.references[0],
        "fault": None,
    }
    return ExamAnswer.model_validate(values | changed)


def answers_of(
    questions: Iterable[ExamQuestion], system: System = "dpo", rag: Rag = True, wrong: Container[str] = ()
) -> list[ExamAnswer]:
    """Answers to questions, right but to those whose names are given."""
    return [
        answer_of(row, system, rag, fault="a key fact is missing" if row.id in wrong else None)
        for row in questions
    ]


def decision_of(
    dilemma: Dilemma, system: System = "dpo", rag: Rag = False, margin: float = 1.0, **changed: Any
) -> ExamDecision:
    """What a system decided in a dilemma: rightly, unless told otherwise."""
    values: dict[str, Any] = {
        "item_id": dilemma.id,
        "chunk_id": "",
        "system": system,
        "rag": rag,
        "margin": margin,
        "with_prior": margin,
    }
    return ExamDecision.model_validate(
        dilemma.model_dump() | {"id": f"{dilemma.id} {system} {rag}"} | values | changed
    )


def advice_of(
    dilemma: Dilemma,
    system: System = "dpo",
    rag: Rag = False,
    given: tuple[float | None, float | None] = (0.9, 0.1),
) -> OwnAdvice:
    """What a system advised in a dilemma: rightly, unless the judge read it otherwise."""
    values: dict[str, Any] = {
        "id": f"{dilemma.id} {system} {rag}",
        "item_id": dilemma.id,
        "chunk_id": "",
        "system": system,
        "rag": rag,
        "reply": "You had better report it.",
        "faithful_given": given[0],
        "unfaithful_given": given[1],
    }
    return OwnAdvice.model_validate(dilemma.model_dump() | values)


def write_exam(paths: CorpusPaths, questions: list[ExamQuestion], dilemmas: list[Dilemma]) -> None:
    """Write both files of an exam, without a seal."""
    write_rows(paths.exam_questions, questions)
    write_rows(paths.exam_dilemmas, dilemmas)


def sample_exam(sections: int = 6) -> tuple[list[ExamQuestion], list[Dilemma]]:
    """An exam of sections that have all kinds of items alike."""
    questions, dilemmas = [], []
    for number in range(sections):
        section = f"Part {number}"
        questions += [question_of(f"q-{number}", section), unanswerable(f"u-{number}", section)]
        dilemmas += [dilemma_of(f"d-{number}", section), *pair_of(f"p-{number}", section)]
    return questions, dilemmas


def corpus_in(folder: Path) -> CorpusPaths:
    """The paths of a corpus ``ours`` in a folder."""
    return CorpusPaths(folder, "ours")
