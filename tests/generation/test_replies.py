"""Replies as files: what one journal has is found by another, whole or not at all."""

import gzip
import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from charter.generation.engine import Completion, Request, ask, ask_choice
from charter.generation.journal import JournaledEngine
from charter.generation.replies import Reply, take_replies, write_replies
from charter.project.errors import CharterError
from charter.project.paths import ProjectPaths
from charter.project.storage import directory_sha256

ROOT = Path(__file__).parent.parent.parent

QUESTIONS = [
    ask(system="s", user="Wer darf wählen?", max_new_tokens=5),
    ask(system="s", user="q", max_new_tokens=9, temperature=0.7, seed=3),
    ask_choice((("user", "Yes or No?"),), ("Yes", "No")),
]


class Counting:
    """Answers with the request's own words and counts how many it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def complete(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        for index, request in enumerate(requests):
            self.asked += 1
            odds = (("Yes", -0.1), ("No", -math.inf)) if request.choices else ()
            yield index, Completion(text=request.messages[-1].content.upper(), tokens=1, alternatives=odds)


def answers(journal: Path, model: str = "teacher") -> tuple[list[Completion], int]:
    """Ask all questions, and return the completions and how many the model was asked."""
    counting = Counting()
    with JournaledEngine(journal, model, lambda: counting) as engine:
        return engine.complete(QUESTIONS, "test"), counting.asked


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A folder of replies with the one file of a teacher that was asked all questions."""
    journal = tmp_path / "first.sqlite"
    answers(journal)
    answers(journal, "another")
    assert write_replies(journal, ["teacher"], tmp_path / "replies/first.jsonl.gz") == len(QUESTIONS)
    return tmp_path / "replies"


def test_what_one_journal_has_another_does_not_ask(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = tmp_path / "second.sqlite"
    take_replies(journal, exported)
    assert "first.jsonl.gz: 3 replies of earlier runs" in capsys.readouterr().err
    found, asked = answers(journal)
    assert asked == 0
    assert found == answers(tmp_path / "first.sqlite")[0]
    assert found[2].alternatives[1][1] == -math.inf
    _, asked = answers(journal, "another")
    assert asked == len(QUESTIONS)


def test_a_file_is_taken_once_and_what_the_journal_has_stays(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = tmp_path / "second.sqlite"
    with JournaledEngine(journal, "teacher", lambda: Own()) as engine:
        own = engine.complete(QUESTIONS[:1], "test")
    take_replies(journal, exported)
    assert "2 replies" in capsys.readouterr().err
    assert answers(journal)[0][0] == own[0]
    take_replies(journal, exported)
    assert capsys.readouterr().err == ""


class Own(Counting):
    """Answers in words of its own."""

    def complete(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        for index, _ in enumerate(requests):
            yield index, Completion(text="own words", tokens=2)


def test_the_same_journal_is_written_as_the_same_bytes(exported: Path, tmp_path: Path) -> None:
    journal, again = tmp_path / "second.sqlite", tmp_path / "again.jsonl.gz"
    take_replies(journal, exported)
    write_replies(journal, ["teacher"], again)
    assert again.read_bytes() == (exported / "first.jsonl.gz").read_bytes()


def damage(file: Path, how: str) -> None:
    whole = file.read_bytes()
    if how == "cut":
        file.write_bytes(whole[:-40])
    elif how == "other bytes":
        file.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    else:
        lines = gzip.decompress(whole).decode().splitlines()
        row = json.loads(lines[1])
        del row["completion"]["text"]
        lines[1] = json.dumps(row)
        file.write_bytes(gzip.compress("\n".join(lines).encode()))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("cut", "isn't a file of replies, or not the whole of it"),
        ("other bytes", "isn't a file of replies, or not the whole of it"),
        ("a row", r"first\.jsonl\.gz:2: not a Reply: completion\.text"),
    ],
)
def test_of_a_broken_file_nothing_is_taken(exported: Path, tmp_path: Path, how: str, said: str) -> None:
    journal = tmp_path / "second.sqlite"
    damage(exported / "first.jsonl.gz", how)
    with pytest.raises(CharterError, match=said):
        take_replies(journal, exported)
    assert answers(journal)[1] == len(QUESTIONS)


def test_without_files_or_replies(tmp_path: Path) -> None:
    take_replies(tmp_path / "journal.sqlite", tmp_path / "replies")
    assert not (tmp_path / "journal.sqlite").exists()
    with pytest.raises(CharterError, match="has no reply of these models yet"):
        write_replies(tmp_path / "journal.sqlite", ["teacher"], tmp_path / "out.jsonl.gz")
    assert not (tmp_path / "out.jsonl.gz").exists()


def test_a_file_of_replies_holds_what_was_asked(exported: Path) -> None:
    with gzip.open(exported / "first.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [Reply.model_validate_json(line) for line in lines]
    assert {row.model for row in rows} == {"teacher"}
    assert any(row.request["messages"][-1]["content"] == "Wer darf wählen?" for row in rows)


@pytest.mark.models
def test_the_repositorys_replies_are_those_of_its_models(base_models: ProjectPaths) -> None:
    models = {directory_sha256(base_models.teacher), directory_sha256(base_models.seed)}
    files = sorted((ROOT / "data/replies").glob("*.jsonl.gz"))
    assert files
    for file in files:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            rows = [Reply.model_validate_json(line) for line in lines]
        assert {row.model for row in rows} == models
        for row in rows:
            asked = json.dumps(row.request, ensure_ascii=False, separators=(",", ":"))
            assert row.key == hashlib.sha256(f"{row.model}\n{asked}".encode()).hexdigest()
