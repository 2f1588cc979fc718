"""fetch-documents: the documents that are pinned rather than committed."""

from typing import Any

from charter.project.params import Params
from charter.project.paths import ProjectPaths
from charter.project.pinned_files import lay_out, read_pinned


def run(params: Params, paths: ProjectPaths) -> dict[str, Any]:  # noqa: ARG001  stages are called alike
    """Write the files of data/pinned/documents.yaml to data/raw."""
    for pinned in read_pinned(paths.pinned("documents")).values():
        lay_out(pinned, paths.root / "data/raw")
    return {}
