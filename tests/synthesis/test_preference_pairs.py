"""Preference pairs: which side is chosen is decided by evidence that doesn't lean on their wording."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from charter.generation.engine import Completion, Request
from charter.generation.journal import JournaledEngine
from charter.params import load_params
from charter.records import Chunk
from charter.retrieval.encoder import Encoder
from charter.synthesis.preference import PreferenceData, write_preference_data
from charter.synthesis.requests import TeacherRequests
from rows import chunk_of
from synthetic_project import ROOT

pytestmark = pytest.mark.models

CHUNK = chunk_of("Visitors may not feed the animals.", chunk_id="0a", document="rules", headings=("Animals",))
SCENARIOS = """1. Did I enjoy the visit?
2. Can I? No
3. I have some bread left. May I give it to the ducks? Yes, I may.
4. Am I allowed to bring a dog?"""
YES = "Yes, you may give it to them, because visitors may feed animals."
NO = "No, you may not give it to them, because feeding is forbidden."


class Scripted:
    """Writes one usable scenario, answers Yes, turns that round.

    The log-odds of Yes are ``odds``, and those of the truth of the response that says Yes are ``truth``
    above the other's.
    """

    def __init__(self, odds: float, truth: float):
        self.odds, self.truth = odds, truth

    def complete(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        for index, request in enumerate(requests):
            if not request.alternatives:
                turned_round = request.messages[0].content.startswith("You turn an answer")
                text = SCENARIOS if request.temperature else NO if turned_round else YES
                yield index, Completion(text=text, tokens=9)
                continue
            asked = request.messages[-1].content
            words, odds = ("Yes", "No"), 5.0
            if "Somebody asks" in asked:
                odds = self.odds
            if "Statement:" in asked:
                words, odds = ("True", "False"), 2.0 + (self.truth if YES in asked else 0.0)
            share = 1 / (1 + math.exp(-odds))
            chances = tuple(zip(words, (math.log(share), math.log(1 - share)), strict=True))
            yield index, Completion(text=words[0], tokens=1, alternatives=chances)


@pytest.fixture
def write(encoder: Encoder, tmp_path: Path):  # type: ignore[no-untyped-def]
    settings = load_params(ROOT / "params.yaml").synthesize.model_copy(
        update={"scenarios_per_chunk": 1, "min_preference_margin": 0.5}
    )

    def write(odds: float, truth: float, *others: Chunk) -> PreferenceData:
        journal = tmp_path / f"{odds} {truth}.sqlite"
        with JournaledEngine(journal, "scripted", lambda: Scripted(odds, truth)) as teacher:
            return write_preference_data(
                [CHUNK, *others], TeacherRequests("Rules", 0.7), teacher, encoder, settings, 1
            )

    return write


@pytest.mark.parametrize(
    ("odds", "truth", "chosen", "rejected"),
    [(0.6, 1.1, YES, NO), (-0.6, -1.1, NO, YES)],
)
def test_the_chosen_response_is_the_one_that_the_verdicts_favour(
    write, odds: float, truth: float, chosen: str, rejected: str
) -> None:
    (pair,) = write(odds, truth).pairs
    assert (pair.chosen, pair.rejected) == (chosen, rejected)
    assert pair.prompt == "I have some bread left. May I give it to the ducks?"


@pytest.mark.parametrize(("odds", "truth"), [(3.0, 0.5), (0.5, 3.0), (-3.0, 0.0), (2.0, -2.0), (-1.0, 2.0)])
def test_a_near_tie_or_verdicts_that_disagree_keep_neither(write, odds: float, truth: float) -> None:
    data = write(odds, truth)
    assert not data.pairs
    assert [row.filter for row in data.rejected].count("verification") == 1


def test_a_scenario_of_another_chunks_subject_is_refused(write) -> None:
    birds = chunk_of("Bread may be given to the ducks on the pond.", chunk_id="0b", document="rules")
    refused = [row for row in write(5.0, 5.0, birds).rejected if row.filter == "subject"]
    assert [(row.chunk_id, row.reason) for row in refused] == [("0a", "nearer to 1 other chunks")]


def test_what_is_no_scenario_is_refused_with_its_reason(write) -> None:
    refused = {row.raw: row.reason for row in write(5.0, 5.0).rejected}
    assert refused == {
        "Did I enjoy the visit?": "doesn't ask what is allowed, required or forbidden",
        "Can I?": "has 2 words, not 4 to 60",
    }
