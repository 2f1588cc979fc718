"""What an edit makes DVC run again: dvc.yaml and src in another repository, data and models made up."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from charter.cli.pipeline import STAGES
from import_graph import PINNED, rooms_used

ROOT = Path(__file__).parent.parent.parent
TEXTS = sorted(
    path.relative_to(ROOT).as_posix()
    for suffix in ("jinja", "css", "yaml")
    for path in (ROOT / "src").rglob(f"*.{suffix}")
    if not {"comparing", "pages", "reviewing"}.intersection(path.parts)
)
"""Every prompt, template, style sheet and list of a language's patterns that a stage may read."""

PARAMS = {
    "corpora": {"udhr": {"path": "data/raw/udhr.html"}},
    "labelled": {"udhr": "data/labelled/udhr.jsonl"},
    "arms": {"udhr-swapped": {"corpus": "udhr", "dpo": "swapped"}},
}
"""A corpus that has every stage."""


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repo]:
    """The repository as a run leaves it; its stages have no params, which DVC takes seconds to read."""
    root = tmp_path_factory.mktemp("project")
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    for definition in pipeline["stages"].values():
        definition.get("do", definition).pop("params", None)
    (root / "dvc.yaml").write_text(yaml.safe_dump(pipeline), encoding="utf-8")
    (root / "params.yaml").write_text(yaml.safe_dump(PARAMS), encoding="utf-8")
    shutil.copy(ROOT / ".dvcignore", root)
    shutil.copytree(ROOT / "src", root / "src", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    # DVC takes the paths in dvc.yaml to be below the working directory.
    with contextlib.chdir(root), Repo.init(".") as repo:
        for stage in repo.index.stages:
            for item in [*stage.deps, *stage.outs]:
                make_up(root / str(item))
        for _ in range(2):  # the first writes a .gitignore into folders that the report depends on
            repo.commit(force=True)
        assert repo.status() == {}
        yield repo


def make_up(path: Path) -> None:
    """Make a file, or a folder with a file in it, where there is nothing."""
    if path.exists():
        return
    if not path.suffix:
        path /= "file"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{path} of a run", encoding="utf-8")


def out_of_date(repo: Repo) -> set[str]:
    """The stages that `dvc status` names."""
    return {stage.partition("@")[0] for stage in repo.status()}


def rendering(room: str) -> set[str]:
    """The stages whose results depend on what lies in a room."""
    return {
        name for name in {*STAGES} - PINNED if room in rooms_used(f"charter.stages.{name.replace('-', '_')}")
    }


@pytest.mark.parametrize("text", TEXTS)
def test_an_edited_prompt_or_template_reruns_the_stages_that_may_render_it(repo: Repo, text: str) -> None:
    path = Path(repo.root_dir) / text
    before = path.read_bytes()
    path.write_bytes(before + b"And be brief.\n")
    assert out_of_date(repo) == rendering(Path(text).parts[2]) != set()
    path.write_bytes(before)


def test_an_edited_docstring_in_project_reruns_nothing(repo: Repo) -> None:
    modules = sorted(Path(repo.root_dir, "src/charter/project").glob("*.py"))
    assert len(modules) > 5
    for module in modules:
        text = module.read_text(encoding="utf-8")
        assert '"""' in text
        module.write_text(text.replace('"""', '"""In other words: ', 1), encoding="utf-8")
    assert out_of_date(repo) == set()


@pytest.mark.parametrize(
    ("written", "stages"),
    [
        ("data/decisions/udhr/rows.jsonl", {"synthesize", "validators", "report"}),
        ("data/decisions/other/rows.jsonl", {"report"}),
        ("data/decisions/udhr.answers.jsonl", {"report"}),
        ("data/exam/udhr/questions.jsonl", {"evaluate", "arm"}),
        ("data/exam/other/questions.jsonl", set()),
    ],
)
def test_what_people_write_reruns_what_goes_by_it_and_no_other_corpus(
    repo: Repo, written: str, stages: set[str]
) -> None:
    path = Path(repo.root_dir) / written
    make_up(path)
    assert out_of_date(repo) == stages
    path.unlink()
    if not any(path.parent.iterdir()):
        path.parent.rmdir()
