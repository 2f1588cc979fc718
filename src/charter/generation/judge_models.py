"""The judges as params.yaml names them: the teacher, or models of their own."""

from charter.generation.asked_model import AskedModel
from charter.generation.server_params import ServerParams
from charter.generation.teacher import teacher_model
from charter.project.model_sections import Judge
from charter.project.params import Params
from charter.project.paths import ProjectPaths


def judge_models(params: Params, paths: ProjectPaths) -> dict[str, AskedModel]:
    """Return the judges by name, in the order of params.yaml; nothing is read yet."""
    return {
        judge if isinstance(judge, str) else judge.name: teacher_model(params, paths)
        if isinstance(judge, str)
        else _own_model(judge, params, paths)
        for judge in params.judges
    }


def _own_model(judge: Judge, params: Params, paths: ProjectPaths) -> AskedModel:
    place = f"judges.{judge.name}"
    described = ServerParams(place, f"{place}.model", "judges", judge.key_variable)
    return AskedModel(judge.model, judge, paths.judge(judge.name), params.compute, described)
