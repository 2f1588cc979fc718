"""dvc.yaml: its deps are the import closures, its paths are the code's, every stage says what it does."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from charter.cli import CORPUS_STAGES, SHARED_STAGES
from charter.paths import ProjectPaths

ROOT = Path(__file__).parent.parent.parent


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("update_deps", ROOT / "scripts/update_deps.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def stages() -> dict[str, Any]:
    stages: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    return stages


def paths_of(entries: list[Any]) -> set[str]:
    return {entry if isinstance(entry, str) else next(iter(entry)) for entry in entries}


def test_code_deps_are_the_import_closures(stages: dict[str, Any]) -> None:
    script = load_script()
    for name, definition in stages.items():
        code = [dep for dep in script.stage_body(definition)["deps"] if dep.startswith("src/")]
        assert code == script.code_dependencies(name), f"{name}: run python scripts/update_deps.py"


def test_closure_sees_lazy_imports_and_prompts() -> None:
    script = load_script()
    synthesize = script.code_dependencies("synthesize")
    assert "src/charter/generation/openvino_engine.py" in synthesize
    assert "src/charter/prompts/questions.jinja" in synthesize
    assert "src/charter/prompts/passage.jinja" in synthesize
    assert "src/charter/params.py" not in synthesize
    assert not any(path.startswith("src/charter/tracking") for path in synthesize)


def test_no_stage_depends_on_the_budget(stages: dict[str, Any]) -> None:
    """A limit or a price changes no result: to raise one must not make DVC run a stage again."""
    script = load_script()
    tracked = {key for body in stages.values() for key in script.stage_body(body).get("params", [])}
    assert "teacher" in tracked
    assert not any(key.split(".")[0] == "budget" for key in tracked)


def test_command_line_knows_every_stage(stages: dict[str, Any]) -> None:
    assert set(stages) == set(CORPUS_STAGES) | set(SHARED_STAGES)
    for name in CORPUS_STAGES:
        assert stages[name]["do"]["cmd"] == f"charter stage {name} ${{key}}"
    for name in SHARED_STAGES:
        assert stages[name]["cmd"] == f"charter stage {name}"


def test_every_stage_has_a_description_and_every_corpus_stage_metrics(stages: dict[str, Any]) -> None:
    script = load_script()
    for definition in stages.values():
        assert script.stage_body(definition)["desc"]
    for name in CORPUS_STAGES:
        assert paths_of(stages[name]["do"]["metrics"]) == {f"data/metrics/${{key}}/{name}.json"}


def test_outputs_are_where_the_code_writes(stages: dict[str, Any]) -> None:
    root = Path("/project")
    paths = ProjectPaths(root).corpus("${key}")
    written = {
        "extract": {paths.documents, paths.chunks},
        "synthesize": {paths.rejected.parent},
        "cft": {paths.adapter("cft"), paths.curve("cft")},
        "sft": {paths.adapter("sft"), paths.curve("sft")},
        "dpo": {paths.adapter("dpo"), paths.curve("dpo")},
        "rag-index": {paths.index},
        "evaluate": {paths.predictions, paths.judgements, paths.probe_answers, paths.plot},
    }
    for name, expected in written.items():
        body = stages[name]["do"]
        listed = paths_of(body["outs"]) | paths_of(body.get("plots", []))
        assert listed == {path.relative_to(root).as_posix() for path in expected}, name
    assert set(stages["base-models"]["outs"]) == {
        path.relative_to(root).as_posix() for path in (paths.seed, paths.teacher, paths.encoder)
    }
    assert stages["fetch-prompts"]["outs"] == [paths.labelled.parent.relative_to(root).as_posix()]
    assert stages["demonstrations"]["outs"] == [paths.demonstrations.parent.relative_to(root).as_posix()]
    assert stages["report"]["outs"] == [paths.report.relative_to(root).as_posix()]
