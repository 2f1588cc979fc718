"""`charter arms`: what was measured, and what is still to be run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from charter.evaluation.arm_results import ArmEvaluation
from charter.evaluation.results import load_evaluation
from charter.project.paths import ProjectPaths
from charter.project.storage import write_json
from charter.project.training_sections import Arm
from params_text import set_value
from synthetic_project import estimate, make_project

Charter = Callable[..., Any]


def test_what_was_measured_is_shown_and_what_was_not_is_named(tmp_path: Path, charter: Charter) -> None:
    make_project(tmp_path, ("udhr",))
    file = tmp_path / "params.yaml"
    named = {"again": {"corpus": "udhr", "seed": 7}, "swapped": {"corpus": "udhr", "dpo": "swapped"}}
    file.write_text(set_value(file.read_text(), ("arms",), named))
    nothing = charter("arms", "udhr", folder=tmp_path)
    assert (nothing.code, nothing.out) == (0, "")
    assert "not compared with these results yet: again, swapped; `dvc repro` does it" in nothing.err

    arm = Arm(corpus="udhr", seed=7)
    paths = ProjectPaths(tmp_path).arm("again", "udhr", arm.stages)
    measured = ArmEvaluation(
        arm="again",
        trained=arm,
        systems={"dpo": {"right_answers": estimate(0.3, 0.1)}},
        comparisons=[],
        evaluation=load_evaluation(paths.metrics("evaluate")).identity,
    )
    write_json(paths.figures, measured.model_dump())
    shown = charter("arms", "udhr", folder=tmp_path)
    assert shown.code == 0
    assert "again: seed 7" in shown.out
    assert "not compared with these results yet: swapped;" in shown.err
    listed = charter("arms", "udhr", "--json", folder=tmp_path)
    assert [row["arm"] for row in json.loads(listed.out)] == ["again"]
    # Of other results it would say nothing about these.
    write_json(paths.figures, measured.model_copy(update={"evaluation": "another"}).model_dump())
    assert "yet: again, swapped;" in charter("arms", "udhr", folder=tmp_path).err


def test_a_corpus_without_arms_is_told_how_to_name_some(tmp_path: Path, charter: Charter) -> None:
    make_project(tmp_path, ("udhr",))
    done = charter("arms", "udhr", folder=tmp_path)
    assert done.code == 1
    assert "udhr has no arms; name some in arms of params.yaml, and run `dvc repro`" in done.err
