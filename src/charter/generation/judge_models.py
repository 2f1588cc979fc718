"""The judges as params.yaml names them: the teacher, or models of their own."""

from charter.generation.asked_model import AskedModel
from charter.generation.server_params import ServerParams
from charter.generation.teacher import teacher_model
from charter.project.params import Params
from charter.project.paths import ProjectPaths


def judge_models(params: Params, paths: ProjectPaths) -> dict[str, AskedModel]:
    """Return the judges by name, in the order of params.yaml; nothing is read yet."""
    models: dict[str, AskedModel] = {}
    for judge in params.judges:
        if isinstance(judge, str):
            models[judge] = teacher_model(params, paths)
        else:
            place = f"judges.{judge.name}"
            described = ServerParams(place, f"{place}.model", "judges", judge.key_variable)
            models[judge.name] = AskedModel(
                judge.model, judge, paths.judge(judge.name), params.compute, described
            )
    return models
