"""Questions to rules, with the real encoder and a teacher whose replies are given."""

from collections.abc import Sequence

import pytest

from charter.generation.engine import Completion, Request
from charter.project.params import load_params
from charter.project.records import InstructExample
from charter.project.sections import Synthesize
from charter.retrieval.encoder import Encoder
from charter.synthesis.ledger import Ledger
from charter.synthesis.requests import TeacherRequests
from charter.synthesis.rule_data import write_rule_questions
from charter.synthesis.synthesis_context import SynthesisContext
from rows import chunk_of
from synthetic_project import ROOT

pytestmark = pytest.mark.models

GIFTS = "Employees must return gifts worth more than 50 euros."
MEALS = "Meals with suppliers need the consent of the line manager."
PRESS = "Only the spokesperson may talk to journalists."
CHUNKS = [
    chunk_of(f"{GIFTS} They are entered in the register. {MEALS}", chunk_id="0a", headings=("4 Gifts",)),
    chunk_of(f"{PRESS} {GIFTS}", chunk_id="0b", headings=("5 Press",)),
]


class Teacher:
    """Replies what is given for the rule at the end of the last turn: to each call the next, then nothing."""

    def __init__(self, replies: dict[str, Sequence[str]]):
        self.replies = {rule: list(texts) for rule, texts in replies.items()}
        self.asked: list[list[str]] = []
        self.seeds: list[int | None] = []

    def complete(self, requests: Sequence[Request], purpose: str) -> list[Completion]:
        assert purpose == "questions to rules"
        self.asked.append([request.messages[-1].content for request in requests])
        self.seeds += [request.seed for request in requests]
        return [Completion(text=self.reply(asked), tokens=1) for asked in self.asked[-1]]

    def reply(self, asked: str) -> str:
        texts = next((texts for rule, texts in self.replies.items() if asked.endswith(rule)), [])
        return texts.pop(0) if texts else ""


@pytest.fixture
def settings() -> Synthesize:
    return load_params(ROOT / "params.yaml").synthesize


def write(
    teacher: Teacher,
    encoder: Encoder,
    settings: Synthesize,
    held_out: Sequence[str] = (),
    held_out_rules: Sequence[str] = (),
) -> Ledger[InstructExample]:
    requests = TeacherRequests("Guidelines", 0.7)
    context = SynthesisContext(CHUNKS, requests, teacher, encoder, settings, seed=1)  # type: ignore[arg-type]
    return write_rule_questions(context, held_out, held_out_rules)


def test_each_rule_is_asked_about_once_and_is_the_answer(encoder: Encoder, settings: Synthesize) -> None:
    teacher = Teacher(
        {
            GIFTS: [
                "1. Which gifts must employees return?\n2. What do employees do with gifts above 50 euros?"
            ],
            MEALS: ["The line manager consents to them.\nWho must consent to meals with suppliers?"],
            PRESS: ["Which gifts must an employee return?\nWho may talk to journalists?"],
        }
    )
    data = write(teacher, encoder, settings)
    assert teacher.asked[0] == [f"Gifts: {GIFTS}", f"Gifts: {MEALS}", f"Press: {PRESS}"]
    assert not any(teacher.asked[1:])
    assert data.requested == 6
    assert [(row.chunk_id, row.question, row.answer, row.style) for row in data.kept] == [
        ("0a", "Which gifts must employees return?", GIFTS, "rule"),
        ("0a", "Who must consent to meals with suppliers?", MEALS, "rule"),
        ("0b", "Who may talk to journalists?", PRESS, "rule"),
    ]
    assert [(row.kind, row.chunk_id, row.filter) for row in data.rejected] == [
        ("rule", "0a", "question"),
        ("rule", "0b", "subject"),
        ("rule", "0a", "duplicate"),
    ]


def test_a_rule_without_a_question_is_asked_about_again(encoder: Encoder, settings: Synthesize) -> None:
    teacher = Teacher(
        {
            GIFTS: ["Gifts.", "Which gifts must employees return?"],
            MEALS: ["Who must consent to meals with suppliers?"],
            PRESS: ["Who must consent to suppliers' meals?", "The press.", "Journalists.", "Who may talk?"],
        }
    )
    data = write(teacher, encoder, settings)
    assert teacher.asked == [
        [f"Gifts: {GIFTS}", f"Gifts: {MEALS}", f"Press: {PRESS}"],
        [f"Gifts: {GIFTS}", f"Press: {PRESS}"],
        [f"Press: {PRESS}"],
    ]
    assert teacher.seeds == [1, 1, 1, 2, 2, 3]
    assert data.requested == 12
    assert [row.answer for row in data.kept] == [GIFTS, MEALS], "in the order of the document"


def test_a_question_that_leads_to_another_rule_is_refused(encoder: Encoder, settings: Synthesize) -> None:
    data = write(
        Teacher({GIFTS: ["Which gifts may a spokesperson take from journalists?"]}), encoder, settings
    )
    assert not data.kept
    (refused,) = data.rejected
    assert (refused.filter, refused.reason) == ("subject", "nearer to 1 other passages")


def test_the_number_of_rules_is_bounded_and_may_be_none(encoder: Encoder, settings: Synthesize) -> None:
    for most in (2, 0):
        teacher = Teacher({})
        data = write(teacher, encoder, settings.model_copy(update={"max_rules": most}))
        assert [len(asked) for asked in teacher.asked] == [most] * 3
        assert data.requested == 3 * 2 * most


def test_what_gives_away_a_held_out_row_is_not_trained_on(encoder: Encoder, settings: Synthesize) -> None:
    teacher = Teacher(
        {
            GIFTS: ["Which gifts must employees return?", "What is done with gifts above 50 euros?"],
            MEALS: ["Who must consent to meals with suppliers?"],
            PRESS: ["Who may talk to journalists?"],
        }
    )
    held_out = ["Which gifts must an employee return?", "Is it far?"]
    data = write(teacher, encoder, settings, held_out, [PRESS])
    assert [row.question for row in data.kept] == [
        "What is done with gifts above 50 euros?",
        "Who must consent to meals with suppliers?",
    ]
    assert [(row.filter, row.reason) for row in data.rejected] == [
        ("held-out", "says the same as the held-out: Which gifts must an employee return?")
    ]
    assert not any(PRESS in asked for call in teacher.asked for asked in call)
