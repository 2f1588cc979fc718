"""The rule of a chunk that decides a scenario."""

import pytest

from charter.retrieval.encoder import Encoder
from charter.synthesis.ledger import Draft
from charter.synthesis.rules import check_duty, find_rules, stated_rules, states_norm
from rows import chunk_of

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
    rules = stated_rules(chunk)
    assert rules == [
        "Gifts above EUR 50 are refused.",
        "Invitations to lunch are allowed up to EUR 30.",
        "The register is kept by the Compliance Office for ten years; nobody else may change it.",
    ]
    assert all(rule in chunk.text for rule in rules)


@pytest.mark.parametrize(
    "text",
    [
        "受け取った贈り物は必ず返さなければなりません。",
        "Подарки дороже пятидесяти евро не принимаются.",
        "सभी मनुष्यों को अधिकारों के मामले में जन्मजात स्वतन्त्रता प्राप्त है।",
    ],
)
def test_rules_of_other_scripts_are_found(text: str) -> None:
    assert stated_rules(chunk_of(text)) == [text]


@pytest.mark.models
def test_the_nearest_rule_of_the_own_chunk_is_found(encoder: Encoder) -> None:
    gifts, bare = chunk_of(TEXT, chunk_id="gifts"), chunk_of("Contents and index", chunk_id="bare")
    scenarios = [
        Draft(gifts, "May I eat with a supplier?"),
        Draft(gifts, "May I edit the gift register?"),
        Draft(bare, "May I edit the gift register?"),
    ]
    lunch, register, none = find_rules(scenarios, encoder)
    assert (lunch or "").startswith("Invitations")
    assert (register or "").startswith("The register")
    assert none is None
    assert find_rules([Draft(bare, "May I?")], encoder) == [None]


@pytest.mark.parametrize(
    ("scenario", "rule", "refused"),
    [
        ("Must a person return to their country?", "Everyone has the right to return to his country.", True),
        ("Is it necessary to join a union?", "Everyone may join trade unions.", True),
        ("Do I have to join a union?", "Everyone may join trade unions.", True),
        ("Must I wear a helmet?", "Helmets must be worn on site.", False),
        ("May I return to my country?", "Everyone has the right to return to his country.", False),
    ],
)
def test_a_duty_is_asked_for_only_where_one_is_stated(scenario: str, rule: str, refused: bool) -> None:
    assert (check_duty(scenario, rule) is not None) == refused


@pytest.mark.parametrize(
    ("rule", "norm"),
    [
        ("No one shall be held in slavery.", True),
        ("Gifts above 50 euros are forbidden.", True),
        ("Every purchase needs two quotes.", True),
        ("Six rules protect life at every site.", False),
        ("The canister was emptied at dawn.", False),
    ],
)
def test_what_allows_demands_or_forbids_has_an_opposite(rule: str, norm: bool) -> None:
    assert states_norm(rule) == norm
