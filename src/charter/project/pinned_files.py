"""Pinned files, listed in data/pinned: each is its SHA-256, whichever mirror it comes from.

Files are kept in ``$CHARTER_CACHE`` (default ``~/.cache/charter``) under their hash, so that a second clone
downloads nothing.
"""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from pydantic import Field

from charter.project.errors import CharterError
from charter.project.mirrors import Mirror
from charter.project.params import parse_as, read_yaml
from charter.project.paths import download_cache
from charter.project.sections import ParamsSection
from charter.project.storage import atomic_path, file_sha256


class PinnedFile(ParamsSection):
    """A file that is its hash; ``mirrors`` are tried in order."""

    name: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    mirrors: Annotated[tuple[Mirror, ...], Field(min_length=1)]


class PinnedSet(ParamsSection):
    """Files that belong together, and their licence as an SPDX expression, null where it isn't known."""

    licence: str | None
    files: Annotated[tuple[PinnedFile, ...], Field(min_length=1)]


def read_pinned(path: Path) -> dict[str, PinnedSet]:
    """Read a file of data/pinned: sets of files by name; errors are those of `read_yaml` and `parse_as`."""
    return parse_as(dict[str, PinnedSet], read_yaml(path), path.name)


def pinned_set(path: Path, name: str) -> PinnedSet:
    """Return one set of a file of data/pinned; where there is none, a CharterError says which there are."""
    sets = read_pinned(path)
    if name not in sets:
        raise CharterError(f"{path.name} pins no {name!r}; there are {', '.join(sorted(sets))}")
    return sets[name]


def fetch(pinned: PinnedFile) -> Path:
    """Return a local file with the pinned bytes, downloading it the first time.

    Where no mirror gives them, a CharterError says what each one answered.
    """
    path = download_cache() / pinned.sha256
    if path.exists():
        return path
    failures = []
    for mirror in pinned.mirrors:
        sys.stderr.write(f"fetching {pinned.name} ({mirror})\n")
        try:
            with TemporaryDirectory() as folder, atomic_path(path) as target:
                mirror.fetch(Path(folder), target)
                if (found := file_sha256(target)) != pinned.sha256:
                    raise CharterError(f"its SHA-256 is {found}: refused")
        except (CharterError, OSError, KeyError, StopIteration) as error:
            failures.append(f"  {mirror}: {error}")
        else:
            return path
    raise CharterError(
        f"no mirror gave {pinned.name} with SHA-256 {pinned.sha256}:\n"
        + "\n".join(failures)
        + f"\nPut the file at {path} yourself, or mend the network and run again."
    )


def lay_out(pinned: PinnedSet, folder: Path) -> None:
    """Fetch the files of a set, and put them into a folder by their names."""
    for file in pinned.files:
        source = fetch(file)
        with atomic_path(folder / file.name) as place:
            shutil.copyfile(source, place)
