"""Sentences that are rules, and the one that decides a scenario."""

import pytest

from charter.retrieval.encoder import Encoder
from charter.synthesis.drafts import Draft, Ledger
from charter.synthesis.register import stated_rules
from charter.synthesis.rules_method import TakeNearestRule
from rows import chunk_of, rule_of
from synthesis_contexts import make_context

TEXT = """2.1 Gifts
1. Gifts above EUR 50 are refused.
They must be sent back with a letter.
- Invitations to lunch are allowed up to EUR 30.
Whereas trust is the foundation of business,
Who decides about exceptions to this?
the manager decides about exceptions.
Breach Measure Decided by
(b) The register is kept by the Compliance Office for ten years; nobody else may change it."""


def test_rules_are_the_sentences_that_stand_alone_without_their_marks() -> None:
    chunk = chunk_of(TEXT)
    rules = stated_rules(chunk, least=5, most=50)
    assert rules == [
        "Gifts above EUR 50 are refused.",
        "Invitations to lunch are allowed up to EUR 30.",
        "The register is kept by the Compliance Office for ten years; nobody else may change it.",
    ]
    assert all(rule in chunk.text for rule in rules)


def test_the_numbers_of_paragraphs_are_no_part_of_rules_and_amounts_are() -> None:
    chunk = chunk_of(
        "4. Children\n4.2 Children from 5 to 11 years may fly alone. From 12 years the service is optional.\n"
        "§ 7 Guide dogs travel in the cabin. 2.5 Euros are charged for a drink on board.\n"
        "§ 8a Agents ask for no certificate on the telephone."
    )
    assert stated_rules(chunk, 5, 50) == [
        "Children from 5 to 11 years may fly alone.",
        "From 12 years the service is optional.",
        "Guide dogs travel in the cabin.",
        "2.5 Euros are charged for a drink on board.",
        "Agents ask for no certificate on the telephone.",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "The agent mentions this only if the caller asks for a refund.",
        "A caller who asks for one of these is told to look into the account.",
        "A guest who breaks any of those, or helps with it, must leave.",
    ],
)
def test_what_points_at_another_sentence_is_no_rule_by_itself(text: str) -> None:
    assert stated_rules(chunk_of(text), 3, 50) == []
    whole = "Everybody who uses this right must tell those who travel along."
    assert stated_rules(chunk_of(whole), 3, 50) == [whole]


@pytest.mark.parametrize(
    "text",
    [
        "受け取った贈り物は必ず返さなければなりません。",
        "Подарки дороже пятидесяти евро не принимаются.",
        "सभी मनुष्यों को अधिकारों के मामले में जन्मजात स्वतन्त्रता प्राप्त है।",
    ],
)
def test_rules_of_other_scripts_are_found(text: str) -> None:
    assert stated_rules(chunk_of(text, language=None), 3, 50) == [text]


def test_short_and_long_sentences_are_no_rules() -> None:
    chunk = chunk_of("Gifts are refused. Gifts above fifty euros are always refused by everybody.")
    assert stated_rules(chunk, 4, 50) == ["Gifts above fifty euros are always refused by everybody."]
    assert stated_rules(chunk, 1, 5) == ["Gifts are refused."]


@pytest.mark.models
def test_the_nearest_rule_of_the_own_chunk_is_taken(encoder: Encoder) -> None:
    gifts, bare = chunk_of(TEXT, chunk_id="gifts"), chunk_of("Contents and index", chunk_id="bare")
    context = make_context(
        gifts,
        bare,
        rules=[rule_of(gifts, statement) for statement in stated_rules(gifts, 5, 50)],
        encoder=encoder,
    )
    scenarios = [
        Draft(gifts, question="May I eat with a supplier?"),
        Draft(gifts, question="May I edit the gift register?"),
        Draft(bare, question="May I edit the gift register?"),
    ]
    ledger = Ledger("preference")
    lunch, register, none = TakeNearestRule()(scenarios, context, ledger)
    assert lunch.rule.startswith("Invitations")
    assert register.rule.startswith("The register")
    assert none.rule == ""
    assert TakeNearestRule()(scenarios[2:], context, ledger) == scenarios[2:]
    assert TakeNearestRule()([], context, ledger) == []
