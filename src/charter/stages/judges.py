"""judges: the models that judge answers, as local folders."""

import shutil
from typing import Any

from charter.generation.judge_models import judge_models
from charter.project.model_files import fetch_model
from charter.project.model_sections import TEACHER
from charter.project.params import Params
from charter.project.paths import ProjectPaths
from charter.project.storage import write_json


def run(params: Params, paths: ProjectPaths) -> dict[str, Any]:
    """Fetch the judges that are models of their own; ask those on servers what they are and can do."""
    shutil.rmtree(paths.judges, ignore_errors=True)
    for name, model in judge_models(params, paths).items():
        if name == TEACHER:
            write_json(paths.judge(name) / "source.json", {"same_as": "models/base/teacher"})
            continue
        fetch_model(model.source, model.folder, paths.pinned("models"))
        if model.is_served:
            model.record()
    return {}
