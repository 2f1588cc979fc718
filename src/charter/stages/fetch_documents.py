"""fetch-documents: the documents that are pinned rather than committed."""

import shutil
from typing import Any

from charter.project.params import Params
from charter.project.paths import ProjectPaths
from charter.project.pinned_files import UDHR, fetch
from charter.project.storage import atomic_path


def run(params: Params, paths: ProjectPaths) -> dict[str, Any]:  # noqa: ARG001  stages are called alike
    """Write data/raw/udhr.html."""
    source = fetch(UDHR)
    with atomic_path(paths.root / "data/raw/udhr.html") as target:
        shutil.copyfile(source, target)
    return {}
