"""Files of what people said: lines are added by several programs at once, and never changed."""

import fcntl
import os
from pathlib import Path

from pydantic import ValidationError

from charter.project.errors import CharterError
from charter.project.records import Row
from charter.project.storage import RowType, not_a_row


def append_row(path: Path, row: Row) -> None:
    """Add a row as one line, and return when it is on the disk.

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
            file.write(row.model_dump_json().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if not end:
            _sync_folder(path.parent)
    except OSError as error:
        raise CharterError(f"{path}: could not be written: {error.strerror}") from error


def read_appended(path: Path, row_type: type[RowType]) -> tuple[list[RowType], int]:
    """Read all rows, and count the torn lines; without a file there are none.

    Raises:
        CharterError: A line is whole, but no such row.
    """
    rows: list[RowType] = []
    torn = 0
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    for number, line in enumerate(lines, start=1):
        try:
            if line:
                rows.append(row_type.model_validate_json(line))
        except ValidationError as error:
            # The beginning of an object is never JSON.
            if error.errors()[0]["type"] != "json_invalid":
                raise not_a_row(error, row_type, f"{path}:{number}") from error
            torn += 1
    return rows, torn


def _sync_folder(folder: Path) -> None:
    """Have the name of a new file on the disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
