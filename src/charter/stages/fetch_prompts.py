"""fetch-prompts: pinned prompts, of which some measure safety and others train it, and labelled responses."""

from collections.abc import Sequence
from typing import Any

from charter.project.params import Params
from charter.project.paths import ProjectPaths
from charter.project.pinned_files import (
    BENIGN_PROMPTS,
    BENIGN_TRAINING_PROMPTS,
    HARMFUL_PROMPTS,
    HARMFUL_TRAINING_PROMPTS,
    LABELLED_RESPONSES,
    PinnedFile,
    fetch,
)
from charter.project.storage import write_rows
from charter.synthesis.prompt_sets import read_labelled, read_prompts, unique_prompts


def run(params: Params, paths: ProjectPaths) -> dict[str, Any]:  # noqa: ARG001  stages are called alike
    """Write data/safety/{harmful,benign}{,_training}.jsonl and data/safety/labelled.jsonl."""
    for path, files in (
        (paths.probes("harmful"), HARMFUL_PROMPTS),
        (paths.probes("benign"), BENIGN_PROMPTS),
        (paths.training_prompts("harmful"), HARMFUL_TRAINING_PROMPTS),
        (paths.training_prompts("benign"), BENIGN_TRAINING_PROMPTS),
    ):
        prompts = [row for name, text in _texts(files) for row in read_prompts(name, text)]
        write_rows(path, unique_prompts(prompts))
    labelled = [row for _, text in _texts(LABELLED_RESPONSES) for row in read_labelled(text)]
    write_rows(paths.labelled, labelled)
    return {}


def _texts(files: Sequence[PinnedFile]) -> list[tuple[str, str]]:
    # Bytes, not lines: a response in CSV may hold line ends of its own.
    return [(pinned.name, fetch(pinned).read_bytes().decode("utf-8")) for pinned in files]
