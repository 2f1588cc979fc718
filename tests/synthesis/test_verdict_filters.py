"""Filters that ask the teacher: what they ask, what they keep, and what the ledger gets."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from charter.generation.engine import Completion
from charter.synthesis.drafts import Draft, Ledger
from charter.synthesis.steps import run_steps
from charter.synthesis.verdict_filters import (
    AskEvidence,
    OneKeepsOneBreaks,
    OneWordRight,
    StatesValue,
    Supported,
    TruerRule,
    VerdictFilter,
)
from rows import chunk_of, rule_of
from synthesis_contexts import UNREADABLE, GivenReplies, make_context, verdict

CHUNK = chunk_of("Gifts above 50 euros must be refused.", chunk_id="gifts")
INDEX = chunk_of("Contents and index of the zebra book.", chunk_id="index")
PAIR = Draft(
    CHUNK,
    question="A supplier sends me a watch. May I keep it?",
    rule="Gifts above 50 euros must be refused.",
    opposite="Gifts above 50 euros are welcome.",
    answer="Send it back, it is too dear.",
    rejected="Keep it and enjoy it.",
    word="No",
    margin=3.0,
)
RULED = replace(PAIR, answer="", rejected="")


def true(odds: float) -> Completion:
    return verdict(odds, "True", "False")


def by_text(*shown: tuple[str, Completion], otherwise: Completion) -> Callable[[str, str], Completion]:
    return lambda asked, _: next((said for text, said in shown if text in asked), otherwise)


PLANTED: list[tuple[VerdictFilter, Draft, Draft, Callable[[str, str], Completion], str]] = [
    (
        StatesValue(),
        Draft(INDEX),
        Draft(CHUNK),
        by_text(("zebra", verdict(-2.0)), otherwise=verdict(2.0)),
        "states a value with probability 0.12",
    ),
    (
        Supported(0.8),
        replace(PAIR, question="Who decides?", answer="Zebras decide."),
        PAIR,
        by_text(("Zebras", true(-2.0)), otherwise=true(2.0)),
        "support 0.12",
    ),
    (
        OneWordRight(0.5),
        replace(PAIR, question="And a zebra?", margin=0.1),
        PAIR,
        by_text(otherwise=UNREADABLE),
        "neither Yes nor No is shown to be right: 0.10",
    ),
    (
        TruerRule(0.5),
        replace(RULED, question="Who?", rule="Zebras decide.", opposite="Nobody decides."),
        RULED,
        by_text(("Zebras", true(0.4)), ("Nobody", true(-0.4)), ("welcome", true(-2.0)), otherwise=true(2.0)),
        "the rule is truer by 0.40 only",
    ),
    (
        OneKeepsOneBreaks(0.5),
        replace(PAIR, question="And a zebra?", rejected="Send the zebra back."),
        PAIR,
        by_text(("enjoy", verdict(-2.0)), otherwise=verdict(2.0)),
        "one keeps the rule and the other breaks it by -2.00 only",
    ),
]
"""Each filter, a draft that it refuses, one that it keeps, what the teacher says, and the reason."""


@pytest.mark.parametrize(
    ("step", "bad", "good", "says", "reason"), PLANTED, ids=lambda value: type(value).__name__
)
def test_each_filter_refuses_a_planted_row_for_its_own_reason_and_passes_the_next(
    step: VerdictFilter, bad: Draft, good: Draft, says: Callable[[str, str], Completion], reason: str
) -> None:
    teacher, ledger = GivenReplies(says), Ledger("preference")
    assert run_steps([step], [bad, good], make_context(CHUNK, INDEX, teacher=teacher), ledger) == [good]
    (row,) = ledger.rejected
    assert (row.filter, row.raw) == (step.name, bad.written)
    assert row.reason.startswith(reason)
    assert [list(given) for given in ledger.scores.values()] == [[step.name], [step.name]]
    assert all(request.alternatives for request in teacher.requests)
    # Switched off nobody is asked.
    context = make_context(CHUNK, INDEX, teacher=None, without=[step.name])
    assert run_steps([step], [bad, good], context, Ledger("preference")) == [bad, good]


@pytest.mark.parametrize("step", [planted[0] for planted in PLANTED if planted[0].name != "verification"])
def test_what_cannot_be_read_is_no_verdict(step: VerdictFilter) -> None:
    ledger = Ledger("preference")
    context = make_context(CHUNK, teacher=GivenReplies(lambda *_: UNREADABLE))
    assert step([PAIR], context, ledger) == []
    (row,) = ledger.rejected
    assert (row.filter, row.reason) == (step.name, "no verdict")
    assert list(ledger.scores.values()) == [{step.name: None}]


@pytest.mark.parametrize("step", [TruerRule(0.1), OneKeepsOneBreaks(0.1)])
def test_a_pair_of_which_one_verdict_cannot_be_read_has_none(step: VerdictFilter) -> None:
    replies = iter([verdict(3.0, "True", "False"), UNREADABLE, UNREADABLE, verdict(3.0)])
    context = make_context(CHUNK, teacher=GivenReplies(lambda *_: next(replies)))
    ledger = Ledger("preference")
    assert step([PAIR, PAIR], context, ledger) == []
    assert [row.reason for row in ledger.rejected] == ["no verdict", "no verdict"]


def test_a_passage_with_a_rule_of_what_may_be_done_is_not_asked_about_by_a_small_teachers_method() -> None:
    teacher, ledger = GivenReplies(lambda *_: verdict(-2.0)), Ledger("preference")
    french = chunk_of("Cadeaux.", chunk_id="french", language="fra")
    chunks = (CHUNK, INDEX, french)
    rules = [
        rule_of(CHUNK, "Gifts above 50 euros must be refused."),
        rule_of(INDEX, "Contents and index of the zebra book."),
        rule_of(french, "Gifts must be refused in English."),
    ]
    context = make_context(*chunks, rules=rules, teacher=teacher)
    drafts = [Draft(chunk) for chunk in chunks]
    assert StatesValue(by_rules=True)(drafts, context, ledger) == [Draft(CHUNK)]
    assert len(teacher.asked["value check"]) == 2
    assert [row.chunk_id for row in ledger.rejected] == ["index", "french"]
    # A strong teacher's verdict is better than words, so its method asks about all.
    assert StatesValue()(drafts, context, Ledger("preference")) == []


def test_an_answers_yes_or_no_is_asked_for_again_and_only_that() -> None:
    answers = ("Yes, a watch may be kept.", "No, it is too dear.", "Those above 50 euros.")
    teacher = GivenReplies(lambda _, purpose: true(3.0) if purpose == "support of answers" else verdict(2.0))
    ledger = Ledger("instruct")
    drafts = [replace(PAIR, answer=answer, question=f"{answer}?") for answer in answers]
    kept = Supported(0.8)(drafts, make_context(CHUNK, teacher=teacher), ledger)
    assert [draft.answer for draft in kept] == [answers[0], answers[2]]
    assert len(teacher.asked["support of answers"]) == 3
    assert len(teacher.asked["yes or no again"]) == 2
    assert [round(scores["support"] or 0, 2) for scores in ledger.scores.values()] == [0.88, 0.12, 0.95]


def test_the_support_of_an_answer_is_asked_for_without_its_question() -> None:
    teacher = GivenReplies(lambda *_: true(3.0))
    Supported(0.8)([PAIR], make_context(CHUNK, teacher=teacher), Ledger("instruct"))
    (asked,) = teacher.asked["support of answers"]
    assert PAIR.answer in asked
    assert CHUNK.text in asked
    assert PAIR.question not in asked


def test_evidence_is_asked_for_by_the_passage_by_the_rule_and_by_its_opposite() -> None:
    passage = chunk_of("The park opens at nine.")
    draft = replace(RULED, chunk=passage, word=None, margin=0.0)
    teacher = GivenReplies(
        by_text(("must be refused", verdict(-2.0)), ("are welcome", verdict(3.0)), otherwise=verdict(-1.0))
    )
    context, ledger = make_context(passage, teacher=teacher), Ledger("preference")
    asked = AskEvidence(bias_prior=2)([draft, replace(draft, word="Yes")], context, ledger)
    # By the rule and its opposite the teacher leans to Yes by .5 nats, by the passage by 1 more; two
    # drafts are half of what counts. So -1.75 is said for Yes by the passage, -2.25 by the rule, and -2.5 by
    # what its opposite moves.
    assert [found.word for found in asked] == ["No", "Yes"], "the passage's, unless a draft has its own"
    assert [found.margin for found in asked] == pytest.approx([1.75, -2.5])
    assert [len(texts) for texts in teacher.asked.values()] == [2, 4]
    broken = GivenReplies(by_text(("are welcome", UNREADABLE), otherwise=verdict(1.0)))
    assert AskEvidence(8)([draft], make_context(passage, teacher=broken), ledger) == []
    assert [(row.filter, row.reason) for row in ledger.rejected] == [("verification", "no verdict")]


def test_both_responses_are_judged_by_the_rule_each_by_itself() -> None:
    teacher = GivenReplies(by_text(("Keep it", verdict(-2.0)), otherwise=verdict(2.0)))
    step = OneKeepsOneBreaks(0.5)
    assert step([PAIR], make_context(CHUNK, teacher=teacher), Ledger("preference")) == [PAIR]
    faithful, unfaithful = teacher.asked["verification of responses"]
    for asked, own, other in (
        (faithful, PAIR.answer, PAIR.rejected),
        (unfaithful, PAIR.rejected, PAIR.answer),
    ):
        assert own in asked
        assert other not in asked
        assert PAIR.rule in asked
        assert PAIR.question in asked
