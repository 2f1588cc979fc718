"""Reading a corpus's chunks and data: as they lie in the project, and as they were at a git revision."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dvc.api import DVCFileSystem
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc_data.index import DataIndexDirError

from charter.project.differences import ComparedChunk, ComparedExample, CorpusData
from charter.project.errors import CharterError
from charter.project.paths import CorpusPaths
from charter.project.records import SPLITS
from charter.project.storage import parse_rows, read_rows


def read_present(paths: CorpusPaths) -> CorpusData:
    """Read what lies in the project; errors are those of `read_rows`."""
    return _read(paths, read_rows)


def read_revision(paths: CorpusPaths, revision: str) -> CorpusData:
    """Read what dvc.lock recorded at a git revision, from DVC's cache or its default remote.

    A corpus that wasn't there yet has no rows.

    Raises:
        CharterError: There is no such revision, or the cache no longer has what it recorded.
    """
    try:
        with Repo.open(str(paths.root), rev=revision) as repository:
            files = DVCFileSystem(repo=repository)
            recorded = [out.fs_path for out in repository.index.outs if out.hash_info.value]

            def rows_at_revision(path: Path, row_type: type[Any]) -> list[Any]:
                name = path.relative_to(paths.root)
                if not any(Path(repository.root_dir, name).is_relative_to(out) for out in recorded):
                    return []
                with files.open(str(name), encoding="utf-8") as lines:
                    return parse_rows(lines, row_type, f"{name} at {revision}")

            return _read(paths, rows_at_revision)
    except DvcException as error:
        raise CharterError(f"revision {revision}: {error}") from error
    except (FileNotFoundError, DataIndexDirError) as error:
        raise CharterError(
            f"revision {revision}: {error}; DVC's cache has it no more: `dvc fetch --all-commits` brings "
            "what was pushed to a remote"
        ) from error


def _read(paths: CorpusPaths, rows: Callable[[Path, type[Any]], list[Any]]) -> CorpusData:
    return CorpusData(
        chunks=rows(paths.chunks, ComparedChunk),
        examples={
            "instruct": {split: rows(paths.instruct(split), ComparedExample) for split in SPLITS},
            "preference": {split: rows(paths.preference(split), ComparedExample) for split in SPLITS},
        },
    )
