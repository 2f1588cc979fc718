"""The model that an alias names now: loaded, and replaced when the alias moves."""

import asyncio
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import System
from charter.project.storage import directory_sha256
from charter.registry.adapters import AdapterVersion, fetch_adapter, find_adapter
from charter.serving.batching import BatchedModel
from charter.serving.metrics import Metrics

_AFTER_A_FAILURE = 30.0
"""Seconds until the registry is looked at again after an error, at least."""


@dataclass(frozen=True)
class Source:
    """Where versions come from: a system of a corpus, by an alias of the registry."""

    params: Params
    paths: CorpusPaths
    system: System
    alias: str

    def find(self) -> AdapterVersion:
        """Return the version that the alias names."""
        return find_adapter(self.paths.root, self.paths.name, self.system, self.alias)

    def fetch(self, version: AdapterVersion) -> Path:
        """Return a folder with the version's adapter, once it is known to fit this project's seed.

        Raises:
            CharterError: It was trained over another seed, or can't be had.
        """
        if directory_sha256(self.paths.seed) != version.seed_sha256:
            raise CharterError(
                f"{self.paths.seed} is not the seed that {version.model} version {version.number} was "
                "trained over; check out that version's git revision, and run `dvc repro base-models`"
            )
        folder = self.paths.work / f"served/{version.model}/{version.number}"
        fetch_adapter(self.paths.root, version, folder)
        return folder


class ServedModel:
    """What answers: ``model`` decodes for ``version``. Both change together when the alias moves.

    ``metrics`` count what it does, which version it is, and how often it had to be loaded again.
    """

    def __init__(self, source: Source, concurrency: int):
        """Load the version that the alias names; `Source` and `BatchedModel` say what can go wrong."""
        self._source = source
        self._concurrency = concurrency
        self._loaded_again = False
        self.metrics = Metrics()
        self.version = source.find()
        self.name = self.version.model
        self.model = self._load(self.version)
        self.metrics.version.set(self.version.number)

    @property
    def fingerprint(self) -> str:
        """What tells the weights apart, as clients are told it: the version and its adapter's hash."""
        return f"version-{self.version.number}-{self.version.adapter_sha256[:12]}"

    async def follow(self, seconds: float, ended: asyncio.Event) -> None:
        """Look every so many seconds where the alias points, and serve that.

        The old model finishes what it has begun. What goes wrong is said once, and the old one serves on.
        A model that has stopped is loaded again once.
        It isn't to be cancelled, which would leave a model running, but told by ``ended``.

        Raises:
            CharterError: The model has stopped, and can't be loaded again or has stopped before.
        """
        said, again, clock = "", 0.0, asyncio.get_running_loop().time
        while not await _happens(ended, seconds):
            if not self.model.alive:
                await self._load_again()
            if said and clock() < again:
                continue
            again = clock() + _AFTER_A_FAILURE
            try:
                version = await asyncio.to_thread(self._source.find)
                if version != self.version:
                    await self._replace(version)
                said = ""
            except Exception as error:
                reason = str(error) if isinstance(error, CharterError) else repr(error)
                if reason != said:
                    sys.stderr.write(
                        f"charter: warning: version {self.version.number} is served on: {reason}\n"
                    )
                said = reason

    async def _load_again(self) -> None:
        what = f"{self.name} version {self.version.number}: the model has stopped ({self.model.fault})"
        if self._loaded_again:
            raise CharterError(f"{what} a second time; the server ends, start it again")
        self._loaded_again = True
        sys.stderr.write(f"charter: warning: {what}; it is loaded again\n")
        try:
            self.model = await asyncio.to_thread(self._load, self.version)
        except Exception as error:
            reason = str(error) if isinstance(error, CharterError) else repr(error)
            raise CharterError(f"{what} and can't be loaded again; the server ends: {reason}") from error
        self.metrics.reloads.inc()

    async def _replace(self, version: AdapterVersion) -> None:
        model = await asyncio.to_thread(self._load, version)
        moved = f"version {version.number} is served now, in place of {self.version.number}"
        sys.stderr.write(f"charter: {self.name}: {moved}\n")
        old, self.model, self.version = self.model, model, version
        self.metrics.version.set(version.number)
        await old.close()

    def _load(self, version: AdapterVersion) -> BatchedModel:
        adapter = self._source.fetch(version)
        return BatchedModel(self._source.paths.seed, adapter, self._source.params.compute, self._concurrency)


async def _happens(event: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()
