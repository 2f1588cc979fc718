"""A model that is asked in writing, the teacher or a judge, as params.yaml describes it."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charter.generation.budget import Budget
from charter.generation.engine import Engine, Request
from charter.generation.journal import JournaledEngine
from charter.generation.server_params import ServerParams
from charter.project.errors import CharterError
from charter.project.model_sections import ModelEngine, ModelSource
from charter.project.sections import Compute
from charter.project.storage import directory_sha256, file_sha256, read_json, write_json

if TYPE_CHECKING:
    from charter.generation.capabilities import Capabilities
    from charter.generation.server import ModelServer

_WEIGHTS = (".gguf", ".safetensors", ".bin")


@dataclass(frozen=True)
class AskedModel:
    """Which model, how it is run, the folder that it lies in, and where params.yaml describes it.

    In the folder of a served model there is what was recorded of it.
    """

    source: ModelSource
    settings: ModelEngine
    folder: Path
    compute: Compute
    params: ServerParams

    @cached_property
    def identity(self) -> str:
        """The hash of its folder: of its weights, or of what was recorded of a served model."""
        return directory_sha256(self.folder)

    @property
    def is_served(self) -> bool:
        """Whether a server is asked."""
        return self.settings.engine == "openai"

    @property
    def title(self) -> str:
        """What results call it: of a served one with its revision, and what its server said of it."""
        parts = [self.source.name]
        parts += [f"revision {self.source.revision}"] if self.source.revision else []
        return ", ".join([*parts, *(f"{key} {value}" for key, value in self._said.items() if key != "id")])

    def open(self, journal: Path, budget: Budget | None = None) -> JournaledEngine:
        """Return the model behind the journal; it is loaded when that doesn't know an answer.

        Where its server now says something else than was recorded, a CharterError is raised.
        """
        if self.is_served or self.source.served is not None:
            self._check_served()
        return JournaledEngine(journal, self.identity, self._load, budget, self._decoding())

    def record(self) -> None:
        """Write down what a served model is, what its server says of it and can do; print the last."""
        from charter.generation.capabilities import probe

        server = self.server
        found = server.describe()
        if found is None:
            raise self.away("What it says of its model is written down before it is asked")
        capabilities = probe(server, self.settings.thinking_tokens)
        sys.stderr.write(f"{server.model}: {capabilities}\n")
        source = self.source.model_dump(exclude_none=True)
        write_json(self._note, source | {"model": found, "capabilities": capabilities.model_dump()})

    def away(self, reason: str) -> CharterError:
        """Return the error that says that no server answers, and why one is needed now."""
        return CharterError(
            f"{self.params.base_url}: no server answers at {self.settings.base_url}. {reason}: start it, and "
            "run again"
        )

    def is_same_as(self, other: "AskedModel") -> bool:
        """Say whether both are one model, as far as can be told.

        They are by name (without owner and revision), by what their servers say they loaded, or if they have
        a file of weights in common.
        """
        loaded = self._said.get("root")
        return (
            self.identity == other.identity
            or self._name == other._name
            or (loaded is not None and loaded == other._said.get("root"))
            or not self._weights().isdisjoint(other._weights())
        )

    @property
    def server(self) -> "ModelServer":
        """The server of a served model."""
        from charter.generation.server import ModelServer

        served, settings, params = self.source.served, self.settings, self.params
        if served is None or settings.base_url is None or not self.is_served:
            raise CharterError(
                f"a served model takes three parameters together: {params.served}, "
                f"{params.base_url} and {params.engine}.engine openai (they are {served!r}, "
                f"{settings.base_url!r} and {settings.engine!r})"
            )
        return ModelServer(settings.base_url, served, params)

    @property
    def _note(self) -> Path:
        return self.folder / "source.json"

    @property
    def _said(self) -> dict[str, Any]:
        """What the server said of the model when it was recorded."""
        return read_json(self._note).get("model", {}) if self.source.served else {}

    @property
    def _name(self) -> str:
        return self.source.name.partition("@")[0].rpartition("/")[2].casefold()

    def _weights(self) -> set[str]:
        return {file_sha256(path) for path in self.folder.rglob("*") if path.suffix in _WEIGHTS}

    def _check_served(self) -> None:
        found, recorded = self.server.describe(), self._said
        # Where no server answers the journal may have all answers; if it has not, the engine says so.
        if found is None or found == recorded:
            return
        changes = ", ".join(
            f"{key}: {recorded.get(key)!r} was recorded, it is {found.get(key)!r}"
            for key in sorted(found.keys() | recorded.keys())
            if found.get(key) != recorded.get(key)
        )
        raise CharterError(
            f"{self.params.served}: {self.settings.base_url} now serves another model under the name "
            f"{self.source.served!r} ({changes}). Start the server as it was, or run "
            f"`dvc repro --force {self.params.stage}`, which records the new one: then everything is asked "
            "anew"
        )

    def _capabilities(self) -> "Capabilities":
        """Return what was recorded; of a model recorded before that was done, what was asked of all then."""
        from charter.generation.capabilities import Capabilities

        return Capabilities.model_validate(read_json(self._note).get("capabilities", {}))

    def _decoding(self) -> Callable[[Request], str]:
        """Say which parameters decide the answer to a request: those that the server's abilities call for."""
        settings = self.settings
        if not self.is_served:
            return lambda _: ""
        found = self._capabilities()
        thinking = f" thinking_tokens {settings.thinking_tokens}" if found.thinks else ""
        samples = "" if found.verdicts_by_logprobs else f" verdict_samples {settings.verdict_samples}"
        return lambda request: thinking + (samples if request.choices else "")

    def _load(self) -> Engine:
        # Engines are imported when chosen: each brings a large library.
        settings = self.settings
        if self.is_served:
            from charter.generation.openai_engine import OpenAIEngine

            return OpenAIEngine(
                self.server,
                concurrency=settings.concurrency,
                capabilities=self._capabilities(),
                thinking_tokens=settings.thinking_tokens,
                verdict_samples=settings.verdict_samples,
            )
        if settings.engine == "openvino":
            from charter.generation.openvino_engine import OpenVinoEngine

            return OpenVinoEngine(
                self.folder, concurrency=settings.concurrency, cache_gigabytes=settings.cache_gigabytes
            )
        from charter.generation.transformers_engine import TransformersEngine, load_model

        return TransformersEngine(*load_model(self.folder, self.compute), batch_size=settings.concurrency)
