"""The file of votes: nothing that was written is lost, whatever happened to the line before."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from charter.comparing.votes import read_votes
from charter.project.appended import append_row
from charter.project.errors import CharterError
from vote_rows import vote_of


def test_votes_are_read_as_they_were_cast(tmp_path: Path) -> None:
    path = tmp_path / "votes/bcg.jsonl"
    cast = [vote_of(f"Why\u2028 {number}?\n", {"sft": "a", "dpo": "\r\n"}, best=1) for number in range(3)]
    for vote in cast:
        append_row(path, vote)
    assert read_votes(path) == (cast, 0)
    assert path.read_bytes().count(b"\n") == 3
    assert read_votes(tmp_path / "none.jsonl") == ([], 0)


@pytest.mark.parametrize("kept", [1, 30, -1, -3])
def test_a_torn_last_line_is_passed_over_and_doesnt_take_the_next_with_it(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "bcg.jsonl"
    first, torn, last = (
        vote_of(f"Is it é {number}", {"sft": "a", "dpo": "b"}, best=0) for number in range(3)
    )
    append_row(path, first)
    before = path.stat().st_size
    append_row(path, torn)
    line = path.read_bytes()[before:].rstrip(b"\n")
    path.write_bytes(path.read_bytes()[:before] + line[:kept])
    assert read_votes(path) == ([first], 1)
    append_row(path, last)
    assert read_votes(path) == ([first, last], 1)


def test_a_line_torn_within_a_letter_is_torn(tmp_path: Path) -> None:
    path = tmp_path / "bcg.jsonl"
    path.write_bytes(b'{"id":"\xc3')
    assert read_votes(path) == ([], 1)


def test_a_whole_line_without_its_end_counts(tmp_path: Path) -> None:
    path = tmp_path / "bcg.jsonl"
    votes = [vote_of(f"{number}?", {"sft": "a", "dpo": "b"}, best=None) for number in range(2)]
    path.write_text(votes[0].model_dump_json(), encoding="utf-8")
    append_row(path, votes[1])
    assert read_votes(path) == (votes, 0)


def test_a_vote_that_was_written_twice_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "bcg.jsonl"
    vote = vote_of("Why?", {"sft": "a", "dpo": "b"}, best=0)
    append_row(path, vote)
    append_row(path, vote)
    assert read_votes(path) == ([vote], 0)


@pytest.mark.parametrize(
    ("line", "says"), [("{}", ":2: not a Vote: id"), ("3", ":2: not a Vote: line"), ("", "")]
)
def test_a_whole_line_that_is_no_vote_is_an_error(tmp_path: Path, line: str, says: str) -> None:
    path = tmp_path / "bcg.jsonl"
    append_row(path, vote_of("Why?", {"sft": "a", "dpo": "b"}, best=0))
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
    if not says:
        assert len(read_votes(path)[0]) == 1
        return
    with pytest.raises(CharterError, match=says):
        read_votes(path)


def test_a_best_answer_that_there_is_not_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "bcg.jsonl"
    vote = vote_of("Why?", {"sft": "a", "dpo": "b"}, best=0).model_copy(update={"best": 2})
    append_row(path, vote)
    with pytest.raises(CharterError, match="best is the place of one of the answers"):
        read_votes(path)


def test_many_at_once_tear_nothing(tmp_path: Path) -> None:
    path = tmp_path / "bcg.jsonl"
    votes = [vote_of(f"{number}?", {"sft": "a" * 9000, "dpo": "b"}, best=0) for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda vote: append_row(path, vote), votes))
    found, torn = read_votes(path)
    assert torn == 0
    assert sorted(vote.id for vote in found) == sorted(vote.id for vote in votes)


def test_what_cant_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(CharterError, match="could not be written: Is a directory"):
        append_row(tmp_path, vote_of("Why?", {"sft": "a", "dpo": "b"}, best=0))
