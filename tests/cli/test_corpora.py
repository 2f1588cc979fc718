"""Preparing a run: parameters and profiles."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from params_text import set_value

Charter = Callable[..., Any]


def test_params_are_found_from_a_folder_below(charter: Charter, project: Path) -> None:
    done = charter("params", folder=project / "profiles")
    assert (done.code, done.err) == (0, "")
    assert done.out == "params.yaml is valid: profile none, corpora udhr, bcg\n"


def test_a_bad_key_is_named(charter: Charter, project: Path) -> None:
    file = project / "params.yaml"
    file.write_text(set_value(file.read_text(), ("dpo", "beta"), 0))
    done = charter("params", folder=project)
    assert done.code == 1
    assert done.err.startswith("charter: params.yaml: dpo.beta: ")


def test_a_profile_is_applied_listed_and_taken_off(charter: Charter, project: Path) -> None:
    own = (project / "params.yaml").read_text()
    assert charter("profile", folder=project).out == "paper\nsmoke\nstandard\n"
    assert "`charter profile off` takes it off" in charter("profile", "smoke", folder=project).out
    assert charter("profile", folder=project).out == "paper\nsmoke  (applied)\nstandard\n"
    edited = set_value((project / "params.yaml").read_text(), ("extract", "limit"), 9)
    (project / "params.yaml").write_text(edited)
    off = charter("profile", "off", folder=project)
    assert "extract.limit stays as it is: you changed it over profile smoke" in off.out
    assert (project / "params.yaml").read_text() == set_value(own, ("extract", "limit"), 9)


def test_an_unknown_profile_is_told(charter: Charter, project: Path) -> None:
    done = charter("profile", "huge", folder=project)
    assert done.code == 1
    assert done.err == "charter: no profile 'huge'; there are paper, smoke, standard\n"


def test_a_corpus_is_added_with_the_folders_that_dvc_asks_for_and_its_documents_replaced(
    charter: Charter, project: Path
) -> None:
    (project / "rules.md").write_text("Old rules.\n")
    done = charter("add", "policy", "rules.md", "--title", "Rules", folder=project)
    assert (done.code, "added policy: data/raw/policy" in done.out) == (0, True)
    for folder in ("data/decisions/policy", "data/exam/policy"):
        assert [path.name for path in (project / folder).iterdir()] == [".gitkeep"]
    (project / "rules.md").write_text("New rules.\n")
    again = charter("add", "policy", "rules.md", folder=project)
    assert (again.code, "already in params.yaml; choose another name, or --replace" in again.err) == (1, True)
    title = charter("add", "policy", "rules.md", "--replace", "--title", "X", folder=project)
    assert (title.code, "change corpora.policy.title" in title.err) == (2, True)
    assert "no corpus 'new'" in charter("add", "new", "rules.md", "--replace", folder=project).err
    assert (project / "data/raw/policy/rules.md").read_text() == "Old rules.\n"
    done = charter("add", "policy", "rules.md", "--replace", folder=project)
    assert (done.code, "replaced the documents of policy" in done.out) == (0, True)
    assert (project / "data/raw/policy/rules.md").read_text() == "New rules.\n"
