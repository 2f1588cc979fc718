"""Reading and writing rows and metrics: atomic, and with errors that name file and line."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import mkstemp
from typing import Any, TypeVar

from pydantic import ValidationError

from charter.project.errors import CharterError
from charter.project.records import Row

RowType = TypeVar("RowType", bound=Row)

_LARGE = 2**26
"""Bytes from which a file's hash is kept: that of a model takes a second and is asked for several times. So
large a file isn't written within one tick of the clock that dates it."""


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` that takes its place only when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file, whole or not at all; keys keep their order, NaN is an error."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file; a CharterError says that it is missing, or where it isn't JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CharterError(f"{path}: no such file; `dvc repro` makes it") from error
    except json.JSONDecodeError as error:
        raise CharterError(f"{path}:{error.lineno}: not JSON: {error.msg}") from error


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as JSON lines, whole or not at all."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(f"{row.model_dump_json()}\n" for row in rows)


def read_rows(path: Path, row_type: type[RowType]) -> list[RowType]:
    """Read rows of one type, as `parse_rows` does; a missing file is a CharterError too."""
    if not path.exists():
        raise CharterError(f"{path}: no such file; `dvc repro` makes it")
    with path.open(encoding="utf-8") as file:
        return parse_rows(file, row_type, str(path))


def parse_rows(lines: Iterable[str], row_type: type[RowType], source: str) -> list[RowType]:
    """Parse rows of one type; a CharterError names ``source``, the line and the field that is wrong."""
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(row_type.model_validate_json(line))
        except ValidationError as error:
            raise not_a_row(error, row_type, f"{source}:{number}") from error
    return rows


def not_a_row(error: ValidationError, row_type: type[Row], place: str) -> CharterError:
    """Return the error of a line at ``place``, a file and a number: the first field that is wrong."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"]) or "line"
    return CharterError(f"{place}: not a {row_type.__name__}: {field}: {first['msg']}")


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex; a large file is read again only where it has changed."""
    status = path.stat()
    if status.st_size < _LARGE:
        return _read_sha256(path)
    return _large_sha256(path, status.st_ino, status.st_size, status.st_mtime_ns)


@lru_cache
def _large_sha256(path: Path, *_: int) -> str:
    return _read_sha256(path)


def _read_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def directory_sha256(path: Path) -> str:
    """Return one SHA-256 over the names and bytes of all files below a folder, in hex."""
    if not path.is_dir():
        raise CharterError(f"{path}: no such folder; `dvc repro` makes it")
    digest = hashlib.sha256()
    for file in sorted(item for item in path.rglob("*") if item.is_file()):
        digest.update(f"{file.relative_to(path).as_posix()}\0{file_sha256(file)}\n".encode())
    return digest.hexdigest()
