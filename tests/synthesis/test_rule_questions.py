"""Questions to rules, with the real encoder and a teacher whose replies are given."""

from collections.abc import Sequence

import pytest

from charter.generation.engine import Completion, Request
from charter.params import Synthesize, load_params
from charter.records import InstructExample
from charter.retrieval.encoder import Encoder
from charter.synthesis.requests import TeacherRequests
from charter.synthesis.rule_questions import InstructData, keep_from_held_out, write_rule_questions
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
    """Answers with what is given for the rule at the end of the last turn."""

    def __init__(self, replies: dict[str, str]):
        self.replies, self.asked = replies, []

    def complete(self, requests: Sequence[Request], purpose: str) -> list[Completion]:
        assert purpose == "questions to rules"
        self.asked += [request.messages[-1].content for request in requests]
        return [
            Completion(
                text=next(text for rule, text in self.replies.items() if asked.endswith(rule)), tokens=1
            )
            for asked in self.asked
        ]


@pytest.fixture
def settings() -> Synthesize:
    return load_params(ROOT / "params.yaml").synthesize


def write(teacher: Teacher, encoder: Encoder, settings: Synthesize) -> InstructData:
    asks = TeacherRequests("Guidelines", 0.7)
    return write_rule_questions(CHUNKS, asks, teacher, encoder, settings, seed=1)  # type: ignore[arg-type]


def test_each_rule_is_asked_about_once_and_is_the_answer(encoder: Encoder, settings: Synthesize) -> None:
    replies = {
        GIFTS: "1. Which gifts must employees return?\n2. What do employees do with gifts above 50 euros?",
        MEALS: "The line manager consents to them.\nWho must consent to meals with suppliers?",
        PRESS: "Which gifts must an employee return?\nWho may talk to journalists?",
    }
    teacher = Teacher(replies)
    data = write(teacher, encoder, settings)
    assert teacher.asked == [f"Gifts: {GIFTS}", f"Gifts: {MEALS}", f"Press: {PRESS}"]
    assert data.requested == 6
    assert [(row.chunk_id, row.question, row.answer, row.style) for row in data.examples] == [
        ("0a", "Which gifts must employees return?", GIFTS, "rule"),
        ("0a", "Who must consent to meals with suppliers?", MEALS, "rule"),
        ("0b", "Who may talk to journalists?", PRESS, "rule"),
    ]
    assert [(row.kind, row.chunk_id, row.filter) for row in data.rejected] == [
        ("rule", "0a", "question"),
        ("rule", "0b", "subject"),
        ("rule", "0a", "duplicate"),
    ]


def test_a_question_that_leads_to_another_rule_is_refused(encoder: Encoder, settings: Synthesize) -> None:
    replies = {GIFTS: "Which gifts may a spokesperson take from journalists?", MEALS: "", PRESS: ""}
    data = write(Teacher(replies), encoder, settings)
    assert not data.examples
    (refused,) = data.rejected
    assert (refused.filter, refused.reason) == ("subject", "nearer to 1 other passages")


def test_the_number_of_rules_is_bounded_and_may_be_none(encoder: Encoder, settings: Synthesize) -> None:
    replies = dict.fromkeys((GIFTS, MEALS, PRESS), "")
    for most, asked in ((2, 2), (0, 0)):
        teacher = Teacher(replies)
        data = write(teacher, encoder, settings.model_copy(update={"max_rules": most}))
        assert (len(teacher.asked), data.requested) == (asked, 2 * asked)


def test_what_gives_away_a_held_out_row_is_not_trained_on(encoder: Encoder) -> None:
    rows = [
        InstructExample(id=str(number), chunk_id="0a", style="rule", question=question, answer=answer)
        for number, (question, answer) in enumerate(
            [
                ("Which gifts must employees return?", GIFTS),
                ("Who must consent to meals?", MEALS),
                ("Who may talk to journalists?", PRESS),
            ]
        )
    ]
    kept = keep_from_held_out(
        InstructData(rows, [], 6),
        ["Which gifts must an employee return?", "Is it far?"],
        {PRESS},
        encoder,
        0.92,
    )
    assert kept.examples == [rows[1]]
    assert [(row.filter, row.reason.partition(":")[0]) for row in kept.rejected] == [
        ("held-out", "says the same as the held-out"),
        ("held-out", "its rule is that of a held-out pair"),
    ]
    assert kept.requested == 6
