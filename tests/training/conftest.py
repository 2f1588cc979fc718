"""A project whose seed is tiny, with rows to train on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from charter.project.params import Params
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.records import InstructExample, PreferencePair, content_id

RULES = ("accept gifts", "share passwords", "trade shares", "skip training", "hire friends", "shred records")

ProjectMaker = Callable[[str], CorpusPaths]


@pytest.fixture
def make_project(tiny_seed: Path, tmp_path: Path) -> ProjectMaker:
    """Makes corpora in a project of one's own; the name is the project's folder's."""

    def make(name: str) -> CorpusPaths:
        paths = ProjectPaths(tmp_path / name).corpus("bcg")
        paths.seed.parent.mkdir(parents=True)
        paths.seed.symlink_to(tiny_seed)
        return paths

    return make


@pytest.fixture
def quick(params: Params) -> Params:
    """The default parameters in float32, with small batches and few epochs."""
    training = {"batch_size": 4, "epochs": 2.0}
    return params.model_copy(
        update={
            "compute": params.compute.model_copy(update={"dtype": "float32", "device": "cpu"}),
            "cft": params.cft.model_copy(update=training | {"max_length": 32}),
            "sft": params.sft.model_copy(update=training),
            "dpo": params.dpo.model_copy(update=training | {"learning_rate": 1e-3}),
        }
    )


@pytest.fixture
def answers() -> list[InstructExample]:
    """Six questions with answers of different lengths."""
    return [
        InstructExample(
            id=content_id(rule),
            chunk_id=content_id("chunk"),
            rule="",
            style="rule",
            question=f"May I {rule}?",
            answer=f"No, nobody may {rule}" + " at work" * number + ".",
        )
        for number, rule in enumerate(RULES)
    ]


@pytest.fixture
def pairs() -> list[PreferencePair]:
    """Six pairs whose responses differ in length."""
    return [
        PreferencePair(
            id=content_id(rule),
            rule="",
            chunk_id=content_id("chunk"),
            prompt=f"My manager asks me to {rule}. What now?",
            chosen=f"Refuse to {rule} and report it" + " at once" * number + ".",
            rejected=f"Just {rule}, nobody will know.",
        )
        for number, rule in enumerate(RULES)
    ]
