"""The teacher as params.yaml describes it, behind the journal."""

from charter.generation.asked_model import AskedModel
from charter.generation.budget import Budget
from charter.generation.journal import JournaledEngine
from charter.generation.replies import take_replies
from charter.generation.server_params import ServerParams
from charter.project.params import Params
from charter.project.paths import ProjectPaths


def teacher_model(params: Params, paths: ProjectPaths) -> AskedModel:
    """Return the teacher; nothing is read yet."""
    return AskedModel(
        params.base_models.teacher, params.teacher, paths.teacher, params.compute, ServerParams()
    )


def open_teacher(params: Params, paths: ProjectPaths, budget: Budget | None = None) -> JournaledEngine:
    """Return the teacher behind the journal, as `AskedModel.open` does; it has the project's replies too."""
    take_replies(paths.journal, paths.replies)
    return teacher_model(params, paths).open(paths.journal, budget)
