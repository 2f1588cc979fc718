"""The home in every kind of checkout: real repositories, worktrees, copies as DVC's experiments are."""

import subprocess
from pathlib import Path

import pytest

from charter.project.home import find_home
from charter.project.paths import ProjectPaths


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with a project at its top and another one in a folder."""
    folder = tmp_path / "clone"
    (folder / "sub/project").mkdir(parents=True)
    (folder / "sub/project/params.yaml").touch()
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "all")
    return folder


def test_in_an_ordinary_clone_and_outside_git_nothing_moves(clone: Path, tmp_path: Path) -> None:
    for root in (clone, clone / "sub/project", tmp_path / "none"):
        root.mkdir(exist_ok=True)
        assert find_home(root) == root
        assert ProjectPaths(root).journal == root / ".charter/journal.sqlite"


def test_worktrees_have_the_home_of_the_main_one(clone: Path, tmp_path: Path) -> None:
    git(clone, "worktree", "add", "--quiet", str(tmp_path / "tree"))
    assert find_home(tmp_path / "tree") == clone
    assert find_home(tmp_path / "tree/sub/project") == clone / "sub/project"
    # Checkpoints are of one checkout: two trainings that are alike must not write to one folder.
    paths = ProjectPaths(tmp_path / "tree").corpus("udhr")
    assert paths.checkpoints("sft").is_relative_to(tmp_path / "tree")


def test_of_a_bare_repository_its_own_folder_is_the_home(clone: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    git(clone, "clone", "--quiet", "--bare", ".", str(bare))
    git(bare, "worktree", "add", "--quiet", str(tmp_path / "tree"))
    assert find_home(tmp_path / "tree") == bare


def test_a_submodule_is_a_clone_of_its_own(clone: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "super")
    git(tmp_path / "super", "submodule", "--quiet", "add", str(clone), "module")
    assert find_home(tmp_path / "super/module") == tmp_path / "super/module"


@pytest.mark.parametrize("place", [".dvc/tmp/exps/tmp1", ".dvc/tmp/exps/standalone/tmp1"])
@pytest.mark.parametrize("project", ["", "sub/project"])
def test_the_copy_of_an_experiment_has_the_home_of_its_origin(
    clone: Path, tmp_path: Path, place: str, project: str
) -> None:
    # DVC may be at the top of the repository, or where the project is.
    for dvc in {clone, clone / project}:
        copy = dvc / place
        git(clone, "clone", "--quiet", ".", str(copy))
        assert find_home(copy / project) == clone / project
    git(clone, "worktree", "add", "--quiet", str(tmp_path / "tree"))
    copy = tmp_path / "tree" / place
    git(clone, "clone", "--quiet", ".", str(copy))
    assert find_home(copy / project) == clone / project


def test_the_environment_decides_if_it_says_so(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHARTER_HOME", str(tmp_path / "shared"))
    assert ProjectPaths(clone).journal == tmp_path / "shared/.charter/journal.sqlite"
