"""Filters that compare drafts with one another and with the document, by the real encoder."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from charter.project.records import Rejected
from charter.retrieval.encoder import Encoder
from charter.synthesis.drafts import Draft, Ledger
from charter.synthesis.duplicates import Likeness
from charter.synthesis.set_filters import Duplicate, HeldOut, NearestToRule, OnSubject
from charter.synthesis.steps import Filter, run_steps
from rows import chunk_of, rule_of
from synthesis_contexts import make_context

pytestmark = pytest.mark.models

GIFTS = chunk_of("Gifts above 50 euros must be refused. They are sent back.", chunk_id="gifts")
PRESS = chunk_of("Only the spokesperson may talk to journalists.", chunk_id="press")
ALIKE = Likeness(cosine=0.92, trigrams=0.7)
ASKED = Draft(GIFTS, question="Which gifts must be refused?", answer="Those above 50 euros must be refused.")


def run(
    encoder: Encoder, step: Filter, *drafts: Draft, without: Sequence[str] = ()
) -> tuple[list[Draft], list[Rejected]]:
    ledger = Ledger("instruct")
    rules = [rule_of(GIFTS, "Gifts above 50 euros must be refused."), rule_of(PRESS, PRESS.text)]
    context = make_context(GIFTS, PRESS, rules=rules, encoder=encoder, without=list(without))
    return run_steps([step], drafts, context, ledger), ledger.rejected


def test_a_question_that_repeats_an_earlier_one_is_a_duplicate(encoder: Encoder) -> None:
    again = replace(ASKED, question="Which gifts must one refuse?")
    other = replace(ASKED, question="Where are gifts sent to?")
    kept, (row,) = run(encoder, Duplicate(ALIKE), ASKED, again, other)
    assert kept == [ASKED, other]
    assert (row.filter, row.reason) == ("duplicate", f"says the same as: {ASKED.question}")
    # What comes first is kept, whichever that is.
    assert run(encoder, Duplicate(ALIKE), again, ASKED)[0] == [again]
    assert run(encoder, Duplicate(ALIKE), ASKED, again, without=["duplicate"]) == ([ASKED, again], [])


@pytest.mark.parametrize(
    ("draft", "told"),
    [
        (replace(ASKED, question="Who may speak to journalists?"), "Who may talk to journalists?"),
        (
            replace(ASKED, question="May I chat?", answer="Only the spokesperson may talk to journalists."),
            "Only the spokesperson may talk to journalists.",
        ),
        (
            replace(ASKED, question="May I chat?", rule="Only the spokesperson may talk to the journalists."),
            "Only the spokesperson may talk to journalists.",
        ),
    ],
    ids=["question", "answer", "rule"],
)
def test_what_repeats_a_held_out_question_answer_or_rule_is_not_trained_on(
    encoder: Encoder, draft: Draft, told: str
) -> None:
    row = Draft(
        PRESS,
        question="Who may talk to journalists?",
        answer="The press is for the spokesperson alone.",
        rule="Only the spokesperson may talk to journalists.",
    )
    guard = HeldOut([row], ALIKE)
    kept, (refused,) = run(encoder, guard, draft, ASKED)
    assert kept == [ASKED]
    assert (refused.filter, refused.reason) == ("held-out", f"says the same as what is held out: {told}")
    assert guard.needed


def test_where_nothing_is_held_out_all_pass(encoder: Encoder) -> None:
    assert run(encoder, HeldOut([], ALIKE), ASKED, ASKED) == ([ASKED, ASKED], [])
    assert run(encoder, HeldOut([ASKED], ALIKE)) == ([], [])


def test_a_training_question_about_another_passage_is_off_its_subject(encoder: Encoder) -> None:
    strayed = replace(ASKED, question="Who may talk to journalists?")
    kept, (row,) = run(encoder, OnSubject(0), strayed, ASKED)
    assert kept == [ASKED]
    assert (row.filter, row.reason) == ("subject", "nearer to 1 other texts")
    assert run(encoder, OnSubject(1), strayed, ASKED) == ([strayed, ASKED], [])
    assert run(encoder, OnSubject(0), strayed, without=["subject"]) == ([strayed], [])


def test_a_question_to_a_rule_that_leads_to_another_rule_is_off_its_subject(encoder: Encoder) -> None:
    ruled = replace(ASKED, rule="Gifts above 50 euros must be refused.")
    strayed = replace(ruled, question="Who may talk to journalists?")
    kept, (row,) = run(encoder, NearestToRule(), strayed, ruled)
    assert kept == [ruled]
    assert (row.filter, row.reason) == ("subject", "nearer to 1 other texts")
