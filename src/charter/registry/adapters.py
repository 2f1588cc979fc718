"""The adapter that an alias names, fetched from MLflow and checked: what serving loads; and its card."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from charter.project.errors import CharterError
from charter.project.records import System
from charter.project.storage import directory_sha256
from charter.registry.store import open_store
from charter.registry.versions import download, find_version, model_name


@dataclass(frozen=True)
class AdapterVersion:
    """A version of a registered model: where it lies, the SHA-256 of its adapter and of its seed."""

    model: str
    number: int
    source: str
    adapter_sha256: str
    seed_sha256: str


def find_adapter(root: Path, corpus: str, system: System, alias: str) -> AdapterVersion:
    """Return the version of a corpus's aligned model that an alias names.

    Raises:
        CharterError: No version has the alias, its hashes weren't recorded, or the store can't be reached.
    """
    name = model_name(corpus, system)
    with open_store(root) as client:
        version = find_version(client, name, alias)
    if version is None:
        raise CharterError(
            f"{name} has no {alias}; `charter publish` makes a candidate, `charter promote` a champion"
        )
    hashes = [version.tags.get(f"sha256.{part}") for part in ("adapter", "seed")]
    if not hashes[0] or not hashes[1]:
        raise CharterError(
            f"{name} version {version.version} has no hashes recorded with it: "
            "it was not published by Charter"
        )
    return AdapterVersion(name, int(version.version), version.source or "", hashes[0], hashes[1])


def fetch_adapter(root: Path, version: AdapterVersion, folder: Path) -> None:
    """Put the adapter of a version into ``folder``, unless it is there already.

    Raises:
        CharterError: What MLflow gives isn't the adapter that was registered, or it can't be reached.
    """
    if _holds(folder, version):
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open_store(root) as client, TemporaryDirectory(dir=folder.parent) as temporary:
        arrived = download(client, f"{version.source}/adapter", temporary)
        if (found := directory_sha256(arrived)) != version.adapter_sha256:
            raise CharterError(
                f"{version.model} version {version.number}: its adapter in MLflow has SHA-256 {found}, "
                "not the one that was recorded; register the model again"
            )
        if _holds(folder, version):
            return  # another server put it there meanwhile, and may be loading it
        if folder.exists():
            shutil.rmtree(folder)
        arrived.rename(folder)


def fetch_card(root: Path, version: AdapterVersion) -> str:
    """Return the model card that was registered with a version.

    Raises:
        CharterError: There is none, or it can't be reached.
    """
    with open_store(root) as client, TemporaryDirectory() as temporary:
        try:
            return download(client, f"{version.source}/README.md", temporary).read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise CharterError(
                f"{version.model} version {version.number} has no model card recorded with it: it was not "
                "published by Charter"
            ) from error


def _holds(folder: Path, version: AdapterVersion) -> bool:
    return folder.is_dir() and directory_sha256(folder) == version.adapter_sha256
