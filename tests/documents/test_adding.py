import difflib
import shutil
from pathlib import Path

import pytest

from charter.documents import adding
from charter.documents.adding import add_corpus, replace_documents
from charter.documents.extraction import extract_documents
from charter.project.errors import CharterError
from charter.project.params import load_params

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    shutil.copy(ROOT / "params.yaml", root)
    return root


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    for name in ("eu/policy.md", "us/policy.md", "us/deep/rules.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"Rule of {name}.\n")
    return folder


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_only_the_entry_is_added_to_params(project: Path, sources: Path) -> None:
    before = (project / "params.yaml").read_text()
    corpus = add_corpus(project, "our-policy", [str(sources)], title="Our: Policy")
    after = (project / "params.yaml").read_text()
    changes = [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]
    assert [line[2:].strip() for line in changes] == [
        "our-policy:",
        "path: data/raw/our-policy",
        "title: 'Our: Policy'",
        "language: auto",
    ]
    assert all(line.startswith("+") for line in changes)
    assert load_params(project / "params.yaml").corpora["our-policy"] == corpus
    assert list(load_params(project / "params.yaml").corpora)[-1] == "our-policy"


def test_two_corpora_one_after_the_other(project: Path, sources: Path) -> None:
    add_corpus(project, "one", [str(sources / "eu/policy.md")])
    add_corpus(project, "two_b", [str(sources / "us/policy.md")])
    corpora = load_params(project / "params.yaml").corpora
    assert list(corpora)[-2:] == ["one", "two_b"]
    assert corpora["two_b"].title == "Two B"
    assert "\n\nbase_models:" in (project / "params.yaml").read_text()


def test_files_of_one_name_stay_apart(project: Path, sources: Path) -> None:
    add_corpus(project, "ours", [str(sources / "eu/policy.md"), str(sources / "us/policy.md")])
    documents = list(extract_documents(project / "data/raw/ours"))
    assert [(document.name, document.text) for document in documents] == [
        ("eu/policy.md", "Rule of eu/policy.md.\n"),
        ("us/policy.md", "Rule of us/policy.md.\n"),
    ]


def test_globs_and_folders_may_name_a_file_twice(
    project: Path, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sources)
    add_corpus(project, "ours", ["**/*.md", str(sources / "us")])
    assert set(snapshot(project / "data/raw/ours")) == {"eu/policy.md", "us/policy.md", "us/deep/rules.txt"}


@pytest.mark.parametrize(
    ("name", "named", "message"),
    [
        ("Bad Name", "eu", "not a corpus name"),
        ("udhr", "eu", "already in params.yaml"),
        ("new", "none*.pdf", "no file matches"),
        ("new", "bad", r"empty\.md: the file is empty"),
        ("new", "odd", "unsupported type"),
    ],
)
def test_a_failure_changes_nothing(project: Path, sources: Path, name: str, named: str, message: str) -> None:
    (sources / "bad").mkdir()
    (sources / "bad/empty.md").touch()
    (sources / "odd").mkdir()
    (sources / "odd/x.xyz").write_text("x")
    before = snapshot(project)
    with pytest.raises(CharterError, match=message):
        add_corpus(project, name, [str(sources / "us"), str(sources / named)])
    assert snapshot(project) == before


def test_a_folder_in_the_way_is_left_alone(project: Path, sources: Path) -> None:
    (project / "data/raw/new").mkdir(parents=True)
    (project / "data/raw/new/mine.txt").write_text("mine")
    with pytest.raises(CharterError, match="exists already"):
        add_corpus(project, "new", [str(sources)])
    assert snapshot(project / "data") == {"raw/new/mine.txt": b"mine"}


def test_a_failure_at_the_very_end_takes_everything_back(
    project: Path, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = snapshot(project)
    write = adding.write_text

    def fail(path: Path, text: str) -> None:
        if path.name == "params.yaml":
            assert snapshot(project / "data").keys() >= {"raw/new/policy.md"}
            raise OSError("the disk is full")
        write(path, text)

    monkeypatch.setattr(adding, "write_text", fail)
    with pytest.raises(OSError, match="disk is full"):
        add_corpus(project, "new", [str(sources / "us/policy.md")])
    assert snapshot(project) == before


def test_documents_are_replaced_by_new_ones_and_params_stay(project: Path, sources: Path) -> None:
    corpus = add_corpus(project, "ours", [str(sources / "us")], title="Our: Policy")
    params = (project / "params.yaml").read_bytes()
    own = project / "data/raw/ours/policy.md"
    own.write_text("Amended by hand.\n")
    # What lies in the corpus itself may be named.
    assert replace_documents(project, "ours", [str(own), str(sources / "eu")]) == corpus
    texts = [document.text for document in extract_documents(project / "data/raw/ours")]
    assert sorted(texts) == ["Amended by hand.\n", "Rule of eu/policy.md.\n"]
    assert (project / "params.yaml").read_bytes() == params
    assert [path.name for path in (project / "data/raw").iterdir()] == ["ours"]


@pytest.mark.parametrize(
    ("name", "named", "message"),
    [
        ("udhr", "eu", r"corpora\.udhr\.path: data/raw/udhr\.html is no folder"),
        ("ours", "bad", r"empty\.md: the file is empty"),
        ("ours", "none*.pdf", "no file matches"),
    ],
)
def test_a_failure_replaces_nothing(
    project: Path, sources: Path, name: str, named: str, message: str
) -> None:
    add_corpus(project, "ours", [str(sources / "us")])
    (sources / "bad").mkdir()
    (sources / "bad/empty.md").touch()
    before = snapshot(project)
    with pytest.raises(CharterError, match=message):
        replace_documents(project, name, [str(sources / "eu"), str(sources / named)])
    assert snapshot(project) == before


def test_a_failure_in_between_puts_the_old_documents_back(
    project: Path, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_corpus(project, "ours", [str(sources / "us")])
    before, rename = snapshot(project), Path.rename

    def fail(path: Path, target: Path) -> Path:
        if path.name == target.name == "ours":
            raise OSError("the disk is full")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="disk is full"):
        replace_documents(project, "ours", [str(sources / "eu")])
    assert snapshot(project) == before
