"""The file of votes: lines are added to it and never changed."""

import fcntl
import os
from pathlib import Path

from pydantic import ValidationError

from charter.project.errors import CharterError
from charter.project.vote_records import Vote


def append_vote(path: Path, vote: Vote) -> None:
    """Add a vote as one line, and return when it is on the disk.

    Other processes may add to the file at the same time. A line that was torn, as by a loss of power, stays.

    Raises:
        CharterError: It can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if end := file.seek(0, os.SEEK_END):
                file.seek(end - 1)
                if file.read() != b"\n":
                    file.write(b"\n")
            file.write(vote.model_dump_json().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if not end:
            _sync_folder(path.parent)
    except OSError as error:
        raise CharterError(f"{path}: the vote could not be written: {error.strerror}") from error


def read_votes(path: Path) -> tuple[list[Vote], int]:
    """Read all votes, each once, and count the torn lines; without a file there are none.

    Raises:
        CharterError: A line is whole, but no vote.
    """
    votes: dict[str, Vote] = {}
    torn = 0
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    for number, line in enumerate(lines, start=1):
        try:
            if line:
                vote = Vote.model_validate_json(line)
                votes.setdefault(vote.id, vote)
        except ValidationError as error:
            first = error.errors()[0]
            # The beginning of an object is never JSON.
            if first["type"] != "json_invalid":
                field = ".".join(map(str, first["loc"])) or "line"
                raise CharterError(f"{path}:{number}: not a Vote: {field}: {first['msg']}") from error
            torn += 1
    return list(votes.values()), torn


def _sync_folder(folder: Path) -> None:
    """Have the name of a new file on the disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
