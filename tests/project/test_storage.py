"""Storage: whole or not at all, and errors that say where."""

import hashlib
import math
import os
from pathlib import Path

import pytest

from charter.project import storage
from charter.project.errors import CharterError
from charter.project.records import Passage, Rejected, content_id
from charter.project.sampling import take_evenly
from charter.project.storage import (
    directory_sha256,
    file_sha256,
    read_json,
    read_rows,
    write_json,
    write_rows,
)

ROWS = [Passage(chunk_id="a", score=0.5), Passage(chunk_id="é\n", score=1.0)]


def test_rows_come_back_as_written(tmp_path: Path) -> None:
    path = tmp_path / "new/rows.jsonl"
    write_rows(path, ROWS)
    assert read_rows(path, Passage) == ROWS
    assert list(path.parent.iterdir()) == [path]


def test_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_rows(path, ROWS)

    def break_off() -> object:
        yield ROWS[1]
        raise RuntimeError("the teacher died")

    with pytest.raises(RuntimeError):
        write_rows(path, break_off())  # type: ignore[arg-type]
    assert read_rows(path, Passage) == ROWS
    assert list(tmp_path.iterdir()) == [path]


def test_bad_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"chunk_id":"a","score":0.5}\n{"chunk_id":"b","score":"high"}\n')
    with pytest.raises(CharterError, match=r"rows\.jsonl:2: not a Passage: score"):
        read_rows(path, Passage)
    with pytest.raises(CharterError, match=r"rows\.jsonl:1: not a Rejected"):
        read_rows(path, Rejected)
    with pytest.raises(CharterError, match=r"none\.jsonl: no such file"):
        read_rows(tmp_path / "none.jsonl", Passage)


def test_json_refuses_what_is_not_json(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"loss": math.nan})
    assert not path.exists()
    path.write_text('{"a": 1,\n}')
    with pytest.raises(CharterError, match=r"metrics\.json:\d+: not JSON"):
        read_json(path)


def test_directory_hash_sees_names_and_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/one").write_text("1")
    first = directory_sha256(tmp_path)
    (tmp_path / "a/one").rename(tmp_path / "a/two")
    second = directory_sha256(tmp_path)
    (tmp_path / "a/two").write_text("2")
    assert len({first, second, directory_sha256(tmp_path)}) == 3


def test_a_large_file_is_read_again_only_where_it_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []

    def counted(path: Path) -> str:
        read.append(path)
        return read_sha256(path)

    read_sha256 = storage._read_sha256
    monkeypatch.setattr(storage, "_LARGE", 4)
    monkeypatch.setattr(storage, "_read_sha256", counted)
    path = tmp_path / "weights"
    path.write_bytes(b"1234")
    first = file_sha256(path)
    assert file_sha256(path) == first == hashlib.sha256(b"1234").hexdigest()
    assert len(read) == 1
    path.write_bytes(b"4321")
    os.utime(path, ns=(0, 0))
    assert file_sha256(path) == hashlib.sha256(b"4321").hexdigest()
    path.write_bytes(b"1")
    assert file_sha256(path) == file_sha256(path) == hashlib.sha256(b"1").hexdigest()
    assert len(read) == 4


def test_ids_tell_where_parts_end() -> None:
    assert content_id("ab", "c") != content_id("a", "bc")
    assert content_id("ab", "c") == content_id("ab", "c")


def test_items_are_taken_evenly() -> None:
    assert take_evenly(range(10), 2) == [2, 7]
    assert take_evenly(range(3), 5) == [0, 1, 2]
    assert take_evenly([], 0) == []
