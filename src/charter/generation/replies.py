"""Replies as files: what one machine's journal has of a model, for the journals of others.

They lie in the project, in git or under DVC, so a teacher that costs hours or money is asked once for all
who work on it. A journal that has them answers from them; what nobody asked before is asked.
"""

import gzip
import json
import sqlite3
import sys
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import StringConstraints

from charter.generation.engine import Completion
from charter.generation.journal import connect
from charter.project.errors import CharterError
from charter.project.records import Row
from charter.project.storage import atomic_path, file_sha256, parse_rows

SUFFIX = ".jsonl.gz"
"""Of a file of replies: rows of `Reply`, compressed, since requests repeat their passage."""


class Reply(Row):
    """What a model replied to a request, and the journal's ``key`` of it: of model, messages, decoding."""

    key: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    model: str
    request: dict[str, Any]
    completion: Completion


def write_replies(journal: Path, models: Collection[str], target: Path) -> int:
    """Write all that the journal has of ``models`` (their identities), and return how many replies it is.

    One journal is always written as the same bytes.

    Raises:
        CharterError: It has none.
    """
    database = connect(journal)
    try:
        marks = ", ".join("?" * len(models))
        found = database.execute(
            "SELECT key, model, request, completion FROM completions"  # noqa: S608 only question marks
            f" WHERE model IN ({marks}) ORDER BY model, request, key",
            list(models),
        ).fetchall()
    finally:
        database.close()
    if not found:
        raise CharterError(f"{journal}: has no reply of these models yet; `dvc repro` asks them")
    with (
        atomic_path(target) as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=0) as file,
    ):
        for key, model, request, completion in found:
            reply = Reply(
                key=key,
                model=model,
                request=json.loads(request),
                completion=Completion.model_validate_json(completion),
            )
            file.write(f"{reply.model_dump_json()}\n".encode())
    return len(found)


def take_replies(journal: Path, folder: Path) -> None:
    """Put the replies of all files in ``folder`` into the journal; what it has stays. A file is read once.

    Raises:
        CharterError: A file isn't one of replies; nothing of it is taken.
    """
    files = sorted(folder.glob(f"*{SUFFIX}"))
    if not files:
        return
    database = connect(journal)
    try:
        database.execute("CREATE TABLE IF NOT EXISTS taken (sha256 TEXT PRIMARY KEY)")
        for file in files:
            digest = file_sha256(file)
            if not database.execute("SELECT 1 FROM taken WHERE sha256 = ?", (digest,)).fetchone():
                new = _take(database, file, digest)
                sys.stderr.write(f"{file}: {new} replies of earlier runs, which aren't asked for again\n")
    finally:
        database.close()


def _take(database: sqlite3.Connection, file: Path, digest: str) -> int:
    """Put the replies of a file into the journal, all or none, and return how many it hadn't."""
    replies = parse_rows(_lines(file), Reply, str(file))
    before = database.total_changes
    with database:
        database.execute("BEGIN IMMEDIATE")
        database.executemany(
            "INSERT OR IGNORE INTO completions VALUES (?, ?, ?, ?)",
            (
                (
                    reply.key,
                    reply.model,
                    json.dumps(reply.request, ensure_ascii=False, separators=(",", ":")),
                    reply.completion.model_dump_json(),
                )
                for reply in replies
            ),
        )
        new = database.total_changes - before
        database.execute("INSERT OR IGNORE INTO taken VALUES (?)", (digest,))
    return new


def _lines(file: Path) -> Iterator[str]:
    try:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            yield from lines
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise CharterError(
            f"{file}: isn't a file of replies, or not the whole of it ({error}); get it again, or remove it"
        ) from error
