"""Votes that become training data: all but those that ask what the exam's dev part asks."""

from pathlib import Path

import pytest

from charter.comparing.adopting import adopt_votes
from charter.evaluation.exam_split import Seal, write_seal
from charter.project.params import Params
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.records import PreferencePair
from charter.project.storage import read_rows
from charter.synthesis.people import read_people
from exam_rows import dilemma_of, question_of, write_exam
from vote_rows import vote_of

ASKED = "When do I have to report a gift to the company?"
SCENARIO = "A supplier gave me a pen with his name on it. Must I report it?"
TEXTS = {"sft": "Ask first.", "dpo": "Take it."}


def paths_of(root: Path, base_models: ProjectPaths) -> CorpusPaths:
    """A corpus whose exam's dev part asks ASKED and SCENARIO, and whose sealed part asks for the canteen."""
    paths = ProjectPaths(root).corpus("bcg")
    paths.encoder.parent.mkdir(parents=True)
    paths.encoder.symlink_to(base_models.encoder)
    questions = [
        question_of("q1", "Open", question=ASKED),
        question_of("q2", "Shut", question="Is the canteen open?"),
    ]
    write_exam(paths, questions, [dilemma_of("d1", "Open", scenario=SCENARIO)])
    seal = Seal(seed=1, sha256="a" * 64, questions=1, dilemmas=0, dev=("Open",), sealed=("Shut",))
    write_seal(paths.exam_seal, seal)
    return paths


@pytest.mark.models
def test_what_the_dev_part_asks_is_not_adopted(
    params: Params, base_models: ProjectPaths, tmp_path: Path
) -> None:
    paths = paths_of(tmp_path, base_models)
    prompts = (
        "When do I have to report a gift to the company",
        f"{SCENARIO} ",
        "Is the canteen open?",
        "Dogs?",
    )
    votes = [vote_of(prompt, TEXTS, best=0) for prompt in prompts]
    adopted = adopt_votes(votes, params, paths)
    assert [pair.prompt for pair in adopted.near] == list(prompts[:2])
    # The sealed part is for evaluate alone to read: it leaves out its own items that are near.
    assert [pair.prompt for pair in adopted.pairs] == list(prompts[2:])
    assert read_rows(paths.voted_pairs, PreferencePair) == adopted.pairs
    assert read_people(paths).voted == adopted.pairs
    assert adopt_votes(votes[3:], params, paths).pairs == read_people(paths).voted, (
        "the earlier ones are replaced"
    )
