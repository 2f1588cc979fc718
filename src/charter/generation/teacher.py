"""The teacher as params.yaml describes it, behind the journal."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from charter.generation.budget import Budget
from charter.generation.engine import Engine, Request
from charter.generation.journal import JournaledEngine
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import ProjectPaths
from charter.project.storage import directory_sha256, read_json, write_json

if TYPE_CHECKING:
    from charter.generation.capabilities import Capabilities
    from charter.generation.server import ModelServer


def open_teacher(params: Params, paths: ProjectPaths, budget: Budget | None = None) -> JournaledEngine:
    """Return the teacher; its model is loaded when the journal doesn't know an answer.

    Its identity is the hash of its folder: of its weights, or of what base-models recorded of a served model.
    Where the server now says something else of that, a CharterError is raised.
    """
    if params.teacher.engine == "openai" or params.base_models.teacher.served is not None:
        _check_served(params, paths)
    identity = directory_sha256(paths.teacher)
    decoding = _decoding(params, paths)
    return JournaledEngine(paths.journal, identity, lambda: _load(params, paths), budget, decoding)


def record_served(params: Params, paths: ProjectPaths) -> None:
    """Write down what a served teacher is, what its server says of it and can do; print the last."""
    from charter.generation.capabilities import probe

    server = _server(params)
    found = server.describe()
    if found is None:
        raise CharterError(
            f"teacher.base_url: no server answers at {params.teacher.base_url}. What it says of its model is "
            "written down before it is asked: start it, and run again"
        )
    source = params.base_models.teacher.model_dump(exclude_none=True)
    capabilities = probe(server, params.teacher.thinking_tokens)
    sys.stderr.write(f"{server.model}: {capabilities}\n")
    write_json(_source(paths), source | {"model": found, "capabilities": capabilities.model_dump()})


def name_teacher(params: Params, paths: ProjectPaths) -> str:
    """Name the teacher in results: with a served one's revision, and what its server said of it."""
    source = params.base_models.teacher
    parts = [source.name]
    parts += [f"revision {source.revision}"] if source.revision else []
    said = read_json(_source(paths)).get("model", {}) if source.served else {}
    return ", ".join([*parts, *(f"{key} {value}" for key, value in said.items() if key != "id")])


def _source(paths: ProjectPaths) -> Path:
    return paths.teacher / "source.json"


def _server(params: Params) -> "ModelServer":
    from charter.generation.server import ModelServer

    served, teacher = params.base_models.teacher.served, params.teacher
    if served is None or teacher.base_url is None or teacher.engine != "openai":
        raise CharterError(
            "a served teacher takes three parameters together: base_models.teacher.served, teacher.base_url "
            f"and teacher.engine openai (they are {served!r}, {teacher.base_url!r} and {teacher.engine!r})"
        )
    return ModelServer(teacher.base_url, served)


def _check_served(params: Params, paths: ProjectPaths) -> None:
    found, recorded = _server(params).describe(), read_json(_source(paths)).get("model", {})
    # Where no server answers the journal may have all answers; if it has not, the engine says so.
    if found is None or found == recorded:
        return
    changes = ", ".join(
        f"{key}: {recorded.get(key)!r} was recorded, it is {found.get(key)!r}"
        for key in sorted(found.keys() | recorded.keys())
        if found.get(key) != recorded.get(key)
    )
    raise CharterError(
        f"base_models.teacher.served: {params.teacher.base_url} now serves another model under the name "
        f"{params.base_models.teacher.served!r} ({changes}). Start the server as it was, or run "
        "`dvc repro --force base-models`, which records the new one: then everything is asked anew"
    )


def _capabilities(paths: ProjectPaths) -> "Capabilities":
    """Return what was recorded; of a teacher recorded before that was done, what was asked of all then."""
    from charter.generation.capabilities import Capabilities

    return Capabilities.model_validate(read_json(_source(paths)).get("capabilities", {}))


def _decoding(params: Params, paths: ProjectPaths) -> Callable[[Request], str]:
    """Say which parameters decide the answer to a request: those that the server's abilities call for."""
    teacher = params.teacher
    if teacher.engine != "openai":
        return lambda _: ""
    found = _capabilities(paths)
    thinking = f" thinking_tokens {teacher.thinking_tokens}" if found.thinks else ""
    samples = "" if found.verdicts_by_logprobs else f" verdict_samples {teacher.verdict_samples}"
    return lambda request: thinking + (samples if request.choices else "")


def _load(params: Params, paths: ProjectPaths) -> Engine:
    # Engines are imported when chosen: each brings a large library.
    teacher = params.teacher
    if teacher.engine == "openai":
        from charter.generation.openai_engine import OpenAIEngine

        return OpenAIEngine(
            _server(params),
            concurrency=teacher.concurrency,
            capabilities=_capabilities(paths),
            thinking_tokens=teacher.thinking_tokens,
            verdict_samples=teacher.verdict_samples,
        )
    if teacher.engine == "openvino":
        from charter.generation.openvino_engine import OpenVinoEngine

        return OpenVinoEngine(
            paths.teacher, concurrency=teacher.concurrency, cache_gigabytes=teacher.cache_gigabytes
        )
    from charter.generation.transformers_engine import TransformersEngine, load_model

    return TransformersEngine(*load_model(paths.teacher, params.compute), batch_size=teacher.concurrency)
