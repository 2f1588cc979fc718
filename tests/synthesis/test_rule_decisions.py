"""What people decided of rules, and the register with that."""

from typing import Any

import pytest

from charter.project.paths import CorpusPaths
from charter.project.records import Rule, RuleDecision
from charter.project.storage import write_rows
from charter.synthesis.rule_decisions import decide_rules, read_rules
from rows import chunk_of, rule_of

TEXT = "Gifts above 50 euros must be refused.\nThey are sent back within five days, since they bind."
CHUNK = chunk_of(TEXT, chunk_id="gifts", headings=("Gifts",))
PRESS = chunk_of("Only the spokesperson may talk to journalists.", chunk_id="press")

CLEAR = rule_of(CHUNK, "Gifts above 50 euros must be refused.")
GREY = rule_of(PRESS, PRESS.text, grey="implied")


def decision(rule: Rule, decided: str, statement: str = "") -> RuleDecision:
    values = {"rule_id": rule.id, "decision": decided, "statement": statement, "note": ""}
    return RuleDecision.model_validate(values)


@pytest.mark.parametrize(
    ("decided", "asked", "unasked"),
    [
        ([], [CLEAR, GREY], [CLEAR]),
        ([decision(GREY, "accept")], [CLEAR, GREY], [CLEAR, GREY]),
        ([decision(CLEAR, "accept")], [CLEAR, GREY], [CLEAR]),
        ([decision(CLEAR, "strike")], [GREY], []),
        ([decision(GREY, "strike")], [CLEAR], [CLEAR]),
        (
            [decision(GREY, "edit", "The spokesperson alone talks.")],
            [CLEAR, GREY.model_copy(update={"statement": "The spokesperson alone talks.", "grey": None})],
            [CLEAR, GREY.model_copy(update={"statement": "The spokesperson alone talks.", "grey": None})],
        ),
    ],
    ids=["none", "accept grey", "accept", "strike", "strike grey", "edit"],
)
def test_people_decide_and_grey_waits_for_them(
    decided: list[RuleDecision], asked: list[Rule], unasked: list[Rule]
) -> None:
    assert decide_rules([CLEAR, GREY], decided, ask_grey=True) == asked
    assert decide_rules([CLEAR, GREY], decided, ask_grey=False) == unasked


def test_a_decision_about_a_rule_that_is_gone_decides_nothing() -> None:
    gone = decision(rule_of(CHUNK, "Watches are refused."), "strike")
    assert decide_rules([CLEAR, GREY], [gone], ask_grey=True) == [CLEAR, GREY]
    assert decide_rules([], [gone], ask_grey=True) == []


def test_rules_are_read_as_they_were_decided(tmp_path: Any) -> None:
    paths = CorpusPaths(tmp_path, "udhr")
    write_rows(paths.rules, [CLEAR, GREY])
    assert read_rules(paths, ask_grey=True) == [CLEAR, GREY], "nobody has decided yet"
    write_rows(paths.decisions, [decision(CLEAR, "strike")])
    assert read_rules(paths, ask_grey=True) == [GREY]
    assert read_rules(paths, ask_grey=False) == []
