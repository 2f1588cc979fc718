"""Preference pairs: what verdicts have to show, and what both responses are made of."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from charter.generation.engine import Completion, Request
from charter.generation.journal import JournaledEngine
from charter.project.params import load_params
from charter.project.records import Chunk, PreferencePair
from charter.retrieval.encoder import Encoder
from charter.synthesis.ledger import Ledger
from charter.synthesis.preference import write_preference_data
from charter.synthesis.requests import TeacherRequests
from charter.synthesis.synthesis_context import SynthesisContext
from rows import chunk_of
from synthetic_project import ROOT

pytestmark = pytest.mark.models

RULE = "Visitors may not feed the animals."
OPPOSITE = "Visitors are free to feed the animals."
CHUNK = chunk_of(
    f"The park opens at nine. {RULE} Nothing else is said of it.",
    chunk_id="0a",
    document="rules",
    headings=("Animals",),
)
SCENARIOS = """1. Did I enjoy the visit?
2. Can I? No
3. I have some bread left. May I give it to the ducks? Yes, I may.
4. Am I allowed to bring a dog?"""


class Scripted:
    """Writes usable scenarios, turns the rule round, and gives log-odds of Yes by what it is shown."""

    def __init__(self, passage: float, rule: float, opposite: float, turned_round: str):
        self._odds = {"The park opens": passage, RULE: rule, turned_round: opposite}
        self._turned_round = turned_round

    def complete(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        for index, request in enumerate(requests):
            shown = request.messages[-1].content
            if not request.alternatives:
                text = SCENARIOS if request.temperature else self._turned_round
                yield index, Completion(text=text, tokens=9)
                continue
            odds = 5.0
            if "Somebody asks" in shown:
                odds = next((value for text, value in self._odds.items() if text in shown), odds)
            share = 1 / (1 + math.exp(-odds))
            chances = (("Yes", math.log(share)), ("No", math.log(1 - share)))
            yield index, Completion(text="Yes", tokens=1, alternatives=chances)


@pytest.fixture
def write(encoder: Encoder, tmp_path: Path):  # type: ignore[no-untyped-def]
    settings = load_params(ROOT / "params.yaml").synthesize.model_copy(
        update={"scenarios_per_chunk": 1, "min_preference_margin": 0.5}
    )

    def write(
        passage: float, rule: float, opposite: float, *others: Chunk, turned_round: str = OPPOSITE
    ) -> Ledger[PreferencePair]:
        journal = tmp_path / f"{passage} {rule} {opposite} {turned_round}.sqlite"
        engine = Scripted(passage, rule, opposite, turned_round)
        with JournaledEngine(journal, "scripted", lambda: engine) as teacher:
            requests = TeacherRequests("Rules", 0.7)
            return write_preference_data(
                SynthesisContext([CHUNK, *others], requests, teacher, encoder, settings, seed=1)
            )

    return write


@pytest.mark.parametrize(
    ("odds", "chosen", "rejected"),
    [
        ((0.6, 0.6, -0.6), f"Yes. {RULE}", f"No. {OPPOSITE}"),
        ((-0.6, -0.6, 0.6), f"No. {RULE}", f"Yes. {OPPOSITE}"),
    ],
)
def test_the_chosen_response_is_the_right_word_and_the_documents_rule(
    write, odds: tuple[float, float, float], chosen: str, rejected: str
) -> None:
    (pair,) = write(*odds).kept
    assert (pair.chosen, pair.rejected) == (chosen, rejected)
    assert pair.prompt == "I have some bread left. May I give it to the ducks?"
    assert pair.chosen.partition(". ")[2] in CHUNK.text


@pytest.mark.parametrize(
    "odds",
    [
        (3.0, 0.4, -0.4),  # the rule alone is near a tie
        (0.1, 3.0, -3.0),  # the passage is
        (-2.0, 2.0, -2.0),  # they disagree
        (3.0, 3.0, 2.9),  # the opposite of the rule changes nothing: it doesn't decide
        (-3.0, -3.0, -3.0),
    ],
)
def test_a_near_tie_or_verdicts_that_disagree_keep_neither(write, odds: tuple[float, float, float]) -> None:
    data = write(*odds)
    assert not data.kept
    assert [row.filter for row in data.rejected].count("verification") == 1


def test_a_rule_that_was_not_turned_round_is_refused(write) -> None:
    data = write(-3.0, -3.0, 3.0, turned_round=RULE.upper().replace("THE", "the"))
    assert not data.kept
    assert [row.reason for row in data.rejected if row.filter == "contrast"] == [
        "the opposite rule is the rule"
    ]


def test_a_scenario_of_another_chunks_subject_is_refused(write) -> None:
    birds = [
        chunk_of(f"Bread may be given to the ducks on {place}.", chunk_id=f"0{number}", document="rules")
        for number, place in enumerate(("ponds", "lakes", "rivers"))
    ]
    refused = [row for row in write(5.0, 5.0, -5.0, *birds).rejected if row.filter == "subject"]
    assert ("0a", "nearer to 3 other passages") in [(row.chunk_id, row.reason) for row in refused]


def test_what_is_no_scenario_is_refused_with_its_reason(write) -> None:
    refused = {row.raw: row.reason for row in write(5.0, 5.0, -5.0).rejected}
    assert refused == {
        "Did I enjoy the visit?": "doesn't ask what is allowed, required or forbidden",
        "Can I?": "has 2 words, not 4 to 60",
    }
