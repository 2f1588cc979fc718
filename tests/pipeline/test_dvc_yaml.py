"""dvc.yaml: code by package, paths as the code writes them, and what each stage does in words."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from charter.cli.pipeline import ARM_STAGES, CORPUS_STAGES, SHARED_STAGES, STAGES
from charter.project.paths import ProjectPaths
from import_graph import MODULES, PINNED, SOURCE, prompt_rooms, rooms_used

ROOT = Path(__file__).parent.parent.parent


SHARED = {"charter", "project", "stages"}
"""Rooms that are nobody's dependency: parameters are tracked by value, and a stage's own module by itself."""


def stage_body(definition: dict[str, Any]) -> dict[str, Any]:
    """The stage itself, of one that is there for each corpus too."""
    body: dict[str, Any] = definition.get("do", definition)
    return body


@pytest.fixture(scope="module")
def stages() -> dict[str, Any]:
    stages: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    return stages


def paths_of(entries: list[Any]) -> set[str]:
    return {entry if isinstance(entry, str) else next(iter(entry)) for entry in entries}


@pytest.mark.parametrize("name", STAGES)
def test_code_deps_are_the_packages_that_a_stage_imports(stages: dict[str, Any], name: str) -> None:
    code = {dep for dep in stage_body(stages[name]).get("deps", []) if dep.startswith("src/")}
    module = name.replace("-", "_")
    packages = {f"src/charter/{room}" for room in rooms_used(f"charter.stages.{module}") - SHARED}
    assert code == (set() if name in PINNED else packages | {f"src/charter/stages/{module}.py"})


def test_pinned_stages_depend_on_their_pins(stages: dict[str, Any]) -> None:
    """On nothing else: what is said of a hash, or how it is fetched, changes no byte."""
    deps = {name: stages[name]["deps"] for name in PINNED}
    assert deps == {
        "base-models": ["data/pinned/models.yaml"],
        "judges": ["data/pinned/models.yaml"],
        "fetch-documents": ["data/pinned/documents.yaml"],
        "fetch-prompts": ["data/pinned/prompts.yaml"],
    }


def test_prompts_lie_in_the_packages_that_stages_depend_on() -> None:
    """A prompt that no module renders, or that lies elsewhere, would change without a stage's notice."""
    rendered = {name for module in MODULES for name in prompt_rooms(module)}
    assert {path.relative_to(SOURCE).parts[:2] for path in SOURCE.rglob("*.jinja")} == {
        *((name, "prompts") for name in rendered),
        ("report", "templates"),
    }
    assert {"synthesis", "generation"} <= rooms_used("charter.stages.synthesize")
    assert {"evaluation", "training"} <= rooms_used("charter.stages.evaluate")


def test_no_stage_depends_on_the_budget(stages: dict[str, Any]) -> None:
    """A limit or a price changes no result: to raise one must not make DVC run a stage again."""
    tracked = {key for body in stages.values() for key in stage_body(body).get("params", [])}
    assert "teacher" in tracked
    assert not any(key.split(".")[0] == "budget" for key in tracked)


def test_command_line_knows_every_stage(stages: dict[str, Any]) -> None:
    assert set(stages) == set(STAGES)
    for name in CORPUS_STAGES + ARM_STAGES:
        assert stages[name]["do"]["cmd"] == f"charter stage {name} ${{key}}"
    for name in SHARED_STAGES:
        assert stages[name]["cmd"] == f"charter stage {name}"


def test_every_stage_has_a_description_and_every_corpus_stage_metrics(stages: dict[str, Any]) -> None:
    for definition in stages.values():
        assert stage_body(definition)["desc"]
    for name in CORPUS_STAGES:
        assert paths_of(stages[name]["do"]["metrics"]) == {f"data/metrics/${{key}}/{name}.json"}
    arm = ProjectPaths(Path("/project")).arm("${key}", "${item.corpus}", ())
    written = paths_of(stages["arm"]["do"]["metrics"])
    assert written == {arm.figures.relative_to("/project").as_posix()}


def test_outputs_are_where_the_code_writes(stages: dict[str, Any]) -> None:
    root = Path("/project")
    paths = ProjectPaths(root).corpus("${key}")
    written = {
        "extract": {paths.documents, paths.chunks},
        "rules": {paths.rules, paths.rejected_rules},
        "synthesize": {paths.rejected.parent},
        "cft": {paths.adapter("cft"), paths.curve("cft")},
        "sft": {paths.adapter("sft"), paths.curve("sft")},
        "dpo": {paths.adapter("dpo"), paths.curve("dpo")},
        "rag-index": {paths.index},
        "arm": {ProjectPaths(root).arm("${key}", "${item.corpus}", ()).models},
        "evaluate": {
            paths.predictions,
            paths.judgements,
            paths.item_scores,
            paths.exam_answers.parent,
            paths.probe_answers,
            paths.plot,
        },
    }
    for name, expected in written.items():
        body = stages[name]["do"]
        listed = paths_of(body["outs"]) | paths_of(body.get("plots", []))
        assert listed == {path.relative_to(root).as_posix() for path in expected}, name
    assert set(stages["base-models"]["outs"]) == {
        path.relative_to(root).as_posix() for path in (paths.seed, paths.teacher, paths.encoder)
    }
    assert stages["judges"]["outs"] == [paths.judges.relative_to(root).as_posix()]
    assert stages["fetch-prompts"]["outs"] == [
        path.relative_to(root).as_posix() for path in (paths.labelled.parent, paths.general_texts)
    ]
    assert stages["demonstrations"]["outs"] == [paths.demonstrations.parent.relative_to(root).as_posix()]
    assert stages["report"]["outs"] == [paths.report.relative_to(root).as_posix()]


def test_what_people_decided_of_rules_is_a_dependency_of_what_is_written_and_never_an_output(
    stages: dict[str, Any],
) -> None:
    """The decisions lie in git: DVC must neither make nor remove them, and run again what they change."""
    paths = ProjectPaths(Path("/project")).corpus("${key}")
    decisions = paths.decisions.parent.relative_to("/project").as_posix()
    # Votes themselves lie elsewhere: one more of them changes nothing until they are adopted.
    assert paths.row_decisions.parent == paths.voted_pairs.parent == paths.decisions.parent
    assert paths.votes.parent != paths.decisions.parent
    rules = paths.rules.relative_to("/project").as_posix()
    readers = {name for name, body in stages.items() if decisions in stage_body(body).get("deps", [])}
    assert readers == {"synthesize", "validators"}
    assert all(rules in stage_body(stages[name])["deps"] for name in readers)
    assert decisions not in stage_body(stages["rules"])["deps"]
    written = {path for body in stages.values() for path in paths_of(stage_body(body).get("outs", []))}
    assert not any(decisions.startswith(path) for path in written)
    # What people find of answers changes no row: the report alone reads it.
    found = paths.answer_decisions.relative_to("/project")
    assert not found.is_relative_to(decisions)
    assert found.parent.as_posix() in stages["report"]["deps"]


def test_folders_in_git_that_stages_depend_on_are_there_for_every_corpus(stages: dict[str, Any]) -> None:
    """DVC refuses a folder that isn't there, and git keeps none without a file in it."""
    deps = {dep for body in stages.values() for dep in stage_body(body).get("deps", [])}
    folders = {dep for dep in deps if dep.startswith(("data/decisions/", "data/exam/"))}
    assert folders == {"data/decisions/${key}", "data/exam/${key}", "data/exam/${item.corpus}"}
    for corpus in ("udhr", "bcg"):
        assert all(any((ROOT / folder / corpus).iterdir()) for folder in ("data/decisions", "data/exam"))
