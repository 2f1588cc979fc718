"""Pairs of a rule and its opposite, with a teacher whose replies are given."""

from collections.abc import Sequence

import pytest

from charter.generation.engine import Completion, Request
from charter.project.params import load_params
from charter.project.records import InstructExample, PreferencePair
from charter.project.sections import Synthesize
from charter.synthesis.ledger import Ledger
from charter.synthesis.requests import TeacherRequests
from charter.synthesis.rule_data import write_rule_pairs
from charter.synthesis.synthesis_context import SynthesisContext
from rows import chunk_of
from synthetic_project import ROOT

GIFTS = "Employees must return gifts worth more than 50 euros."
MEALS = "Meals with suppliers need the consent of the line manager."
PRESS = "Only the spokesperson may talk to journalists."
SITES = "The company has sites in fourteen countries."
OPPOSITES = {
    GIFTS: "Employees may keep gifts worth more than 50 euros.",
    MEALS: "Meals with suppliers need the consent of the line manager.",
    PRESS: "Everybody may talk to journalists.",
}
CHUNK = chunk_of(" ".join((*OPPOSITES, SITES)), chunk_id="0a")
EXAMPLES = [
    InstructExample(id=str(number), chunk_id="0a", style="rule", question=f"What of {number}?", answer=rule)
    for number, rule in enumerate((*OPPOSITES, SITES))
]


class Teacher:
    """Turns rules round, and finds everything true but the opposite of the first."""

    def complete(self, requests: Sequence[Request], purpose: str) -> list[Completion]:
        asked = [request.messages[-1].content for request in requests]
        if purpose == "opposite rules":
            return [Completion(text=OPPOSITES[rule], tokens=1) for rule in asked]
        assert purpose == "truth of rules"
        return [
            Completion(
                text="True",
                tokens=1,
                alternatives=(("True", -2.0), ("False", -0.15))
                if OPPOSITES[GIFTS] in text
                else (("True", -0.1),),
            )
            for text in asked
        ]


@pytest.fixture
def settings() -> Synthesize:
    return load_params(ROOT / "params.yaml").synthesize


def write(settings: Synthesize) -> Ledger[PreferencePair]:
    requests = TeacherRequests("Guidelines", 0.7)
    context = SynthesisContext([CHUNK], requests, Teacher(), None, settings, seed=1)  # type: ignore[arg-type]
    return write_rule_pairs(context, EXAMPLES)


def test_a_pair_is_a_rule_and_an_opposite_that_is_less_true(settings: Synthesize) -> None:
    data = write(settings)
    (pair,) = data.kept
    assert (pair.chunk_id, pair.prompt) == ("0a", "What of 0?")
    assert (pair.chosen, pair.rejected) == (GIFTS, OPPOSITES[GIFTS])
    assert [(row.kind, row.filter, row.reason) for row in data.rejected] == [
        ("rule-pair", "contrast", "the opposite rule is the rule"),
        ("rule-pair", "verification", "the rule is truer by 0.00 only"),
    ]
    assert data.requested == 3  # The sites are no norm.


def test_their_number_is_bounded(settings: Synthesize) -> None:
    for most in (2, 0):
        assert write(settings.model_copy(update={"max_rule_pairs": most})).requested == most
