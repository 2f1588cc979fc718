"""Exporting data, models and replies."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from charter.project.params import load_params
from charter.project.paths import ProjectPaths
from charter.stages import rules
from local_server import serving
from scripted_teacher import ScriptedTeacher, make_project

Charter = Callable[..., Any]


@pytest.mark.parametrize("arguments", [("data", "nowhere", "--to"), ("model", "nowhere@champion")])
def test_nothing_is_exported_of_an_unknown_corpus(
    charter: Charter, tmp_path: Any, arguments: tuple[str, ...]
) -> None:
    done = charter("export", *arguments, str(tmp_path / "out"))
    assert done.code == 1
    assert done.err == "charter: no corpus 'nowhere' in params.yaml; there are udhr, bcg\n"
    assert not (tmp_path / "out").exists()


@pytest.fixture
def teacher() -> Iterator[ScriptedTeacher]:
    with serving(ScriptedTeacher()) as server:
        yield server


@pytest.mark.models
def test_replies_of_one_project_are_not_asked_for_in_another(
    charter: Charter, teacher: ScriptedTeacher, base_models: ProjectPaths, tmp_path: Path
) -> None:
    first, second = (
        make_project(tmp_path / name, teacher, base_models, "direct") for name in ("first", "second")
    )
    first.seed.mkdir()
    done = charter("export", "replies", str(second.replies / "first.jsonl.gz"), folder=first.root)
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("first.jsonl.gz: 6 replies\n")
    listed = second.rules.read_bytes()
    second.journal.unlink()
    second.rules.unlink()
    teacher.asked.clear()
    rules.run(load_params(second.params), second)
    assert second.rules.read_bytes() == listed
    assert not teacher.asked


def test_the_file_of_replies_is_named_by_what_it_is(charter: Charter, project: Path) -> None:
    done = charter("export", "replies", "replies.json", folder=project)
    assert done.code == 2
    assert "replies.json: the name must end with .jsonl.gz" in done.err
