"""`charter diff` in a small DVC repository: what lies there against what a revision recorded."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from charter.project.paths import CorpusPaths
from charter.project.records import SPLITS, Chunk, InstructExample, PreferencePair, content_id
from charter.project.storage import write_rows, write_text
from rows import chunk_of
from synthetic_project import ROOT

PIPELINE = """
stages:
  write:
    foreach: [udhr]
    do:
      cmd: cp -r source/${item}/* data
      deps: ["source/${item}"]
      outs: ["data/chunks/${item}.jsonl", "data/synthetic/${item}"]
"""
ARTICLES = {
    "Article 1": "All are born free.",
    "Article 2": "All have these rights.",
    "Article 3": "All may live.",
}


class Project:
    """A DVC repository whose one stage copies chunks and data from a folder."""

    def __init__(self, root: Path):
        self.root = root
        shutil.copy(ROOT / "params.yaml", root)
        write_text(root / "dvc.yaml", PIPELINE)
        (root / "data").mkdir()
        write_text(root / "data/.gitignore", "*\n")
        self.run("git", "init", "--quiet")
        self.run("git", "config", "user.name", "Charter's tests")
        self.run("git", "config", "user.email", "tests@example.invalid")
        self.run(sys.executable, "-m", "dvc", "init", "--quiet")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            cwd=self.root,
            env=os.environ | {"DVC_NO_ANALYTICS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (
            command[0] not in ("git", sys.executable) or "charter.cli" in command[2] or not done.returncode
        ), done.stderr
        return done

    def diff(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-c", "from charter.cli import main; main()", "diff", *arguments)

    def differences(self, *arguments: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.diff("--json", *arguments).stdout)
        return found

    def make(self, articles: dict[str, str], held_out: str = "Article 2") -> None:
        """Write a chunk, a question and a pair an article, and let DVC run its stage."""
        source = self.root / "source/udhr"
        shutil.rmtree(source, ignore_errors=True)
        chunks = [make_chunk(heading, text) for heading, text in articles.items()]
        write_rows(source / "chunks/udhr.jsonl", chunks)
        for split in SPLITS:
            rows = [row for row in chunks if split == ("test" if row.headings[0] == held_out else "train")]
            folder = source / "synthetic/udhr"
            write_rows(folder / f"sft_{split}.jsonl", [make_example(row) for row in rows])
            write_rows(folder / f"preference_{split}.jsonl", [make_pair(row) for row in rows])
        self.run(sys.executable, "-m", "dvc", "repro", "--quiet")

    def commit(self, name: str) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", name)
        self.run("git", "tag", name)


def make_chunk(heading: str, text: str) -> Chunk:
    return chunk_of(
        text, chunk_id=content_id("udhr", heading, text, "0"), document="udhr", headings=(heading,)
    )


def make_example(chunk: Chunk) -> InstructExample:
    question = f"What of {chunk.text}\u2028"
    return InstructExample(
        id=content_id(chunk.id, question),
        chunk_id=chunk.id,
        rule="",
        style="s",
        question=question,
        answer="This.",
    )


def make_pair(chunk: Chunk) -> PreferencePair:
    prompt = f"Must I mind that {chunk.text}"
    return PreferencePair(
        id=content_id(chunk.id, prompt),
        rule="",
        chunk_id=chunk.id,
        prompt=prompt,
        chosen="Yes.",
        rejected="No.",
    )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.make(ARTICLES)
    project.commit("first")
    return project


def test_an_amended_article_and_a_moved_row_are_told(project: Project) -> None:
    unchanged = project.diff("--exit-code")
    assert (unchanged.stdout, unchanged.returncode) == ("udhr since HEAD: no difference\n", 0)

    project.make(ARTICLES | {"Article 3": "All may live in peace."}, held_out="Article 1")
    found = project.differences()
    assert {item["corpus"] for item in found} == {"udhr"}
    assert [
        (item["kind"], item["change"], *item["headings"], item["split_before"], item["split_after"])
        for item in found
    ] == [
        ("instruct", "moved", "Article 1", "train", "test"),
        ("preference", "moved", "Article 1", "train", "test"),
        ("instruct", "moved", "Article 2", "test", "train"),
        ("preference", "moved", "Article 2", "test", "train"),
        ("chunk", "amended", "Article 3", None, None),
        ("instruct", "removed", "Article 3", "train", None),
        ("instruct", "added", "Article 3", None, "train"),
        ("preference", "removed", "Article 3", "train", None),
        ("preference", "added", "Article 3", None, "train"),
    ]
    told = project.diff("udhr", "--exit-code")
    assert told.returncode == 1
    counts = ", ".join(
        f"1 {kind} added, 2 {kind} moved, 1 {kind} removed" for kind in ("instruct", "preference")
    )
    assert told.stdout.startswith(f"udhr since HEAD: 1 chunk amended, {counts}\n")
    amended = "udhr > Article 3\n  ~ chunk\n      - All may live.\n      + All may live in peace.\n"
    assert amended in told.stdout
    assert project.diff().returncode == 0

    project.commit("second")
    assert project.differences() == []
    assert project.differences("--rev", "first") == found


def test_a_corpus_that_is_new_is_all_added(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.commit("empty")
    project.make(ARTICLES)
    changes = {(item["kind"], item["change"]) for item in project.differences()}
    assert changes == {("chunk", "added"), ("instruct", "added"), ("preference", "added")}


def test_what_cannot_be_compared_is_said(project: Project) -> None:
    unknown = project.diff("--rev", "v9")
    assert (unknown.returncode, unknown.stderr) == (1, "charter: revision v9: unknown Git revision 'v9'\n")

    project.make(ARTICLES | {"Article 3": "All may live in peace."})
    for cached in (".dvc/cache/files/md5/*/*.dir", ".dvc/cache/files"):
        for path in project.root.glob(cached):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        lost = project.diff()
        assert lost.returncode == 1
        assert lost.stderr.startswith("charter: revision HEAD: ")
        assert "`dvc fetch --all-commits`" in lost.stderr


def test_data_that_is_not_made_yet_is_named(project: Project) -> None:
    CorpusPaths(project.root, "udhr").instruct("test").unlink()
    missing = project.diff()
    assert missing.returncode == 1
    assert "sft_test.jsonl: no such file; `dvc repro` makes it" in missing.stderr
