"""The teacher as params.yaml describes it, behind the journal."""

from charter.generation.budget import Budget
from charter.generation.engine import Engine
from charter.generation.journal import JournaledEngine
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import ProjectPaths
from charter.project.storage import directory_sha256


def open_teacher(params: Params, paths: ProjectPaths, budget: Budget | None = None) -> JournaledEngine:
    """Return the teacher; its model is loaded when the journal doesn't know an answer."""
    identity = directory_sha256(paths.teacher)
    return JournaledEngine(paths.journal, identity, lambda: _load(params, paths), budget)


def _load(params: Params, paths: ProjectPaths) -> Engine:
    # Engines are imported when chosen: each brings a large library.
    teacher = params.teacher
    if teacher.engine == "openai":
        from charter.generation.openai_engine import OpenAIEngine

        served = params.base_models.teacher.served
        if served is None or teacher.base_url is None:
            raise CharterError(
                "teacher.engine is openai: it needs base_models.teacher.served and teacher.base_url"
            )
        return OpenAIEngine(teacher.base_url, served, concurrency=teacher.concurrency)
    if params.base_models.teacher.served is not None:
        raise CharterError(
            f"base_models.teacher.served goes with teacher.engine openai, not {teacher.engine}"
        )
    if teacher.engine == "openvino":
        from charter.generation.openvino_engine import OpenVinoEngine

        return OpenVinoEngine(
            paths.teacher,
            concurrency=teacher.concurrency,
            cache_gigabytes=teacher.cache_gigabytes,
        )
    from charter.generation.transformers_engine import TransformersEngine, load_model

    return TransformersEngine(*load_model(paths.teacher, params.compute), batch_size=teacher.concurrency)
