"""fetch-prompts: pinned prompts, which measure safety or train it, labelled responses, and general texts."""

from typing import Any

from charter.project.params import Params
from charter.project.paths import ProjectPaths
from charter.project.pinned_files import PinnedSet, fetch, lay_out, pinned_set
from charter.project.storage import write_rows
from charter.safety.prompt_sets import read_labelled, read_prompts, unique_prompts


def run(params: Params, paths: ProjectPaths) -> dict[str, Any]:  # noqa: ARG001  stages are called alike
    """Write data/safety/{harmful,benign}{,_training}.jsonl, data/safety/labelled.jsonl, data/retention."""
    pinned = paths.pinned("prompts")
    for name, path in {
        "harmful": paths.probes("harmful"),
        "benign": paths.probes("benign"),
        "harmful_training": paths.training_prompts("harmful"),
        "benign_training": paths.training_prompts("benign"),
    }.items():
        prompts = [row for file, text in _texts(pinned_set(pinned, name)) for row in read_prompts(file, text)]
        write_rows(path, unique_prompts(prompts))
    labelled = [row for _, text in _texts(pinned_set(pinned, "labelled")) for row in read_labelled(text)]
    write_rows(paths.labelled, labelled)
    lay_out(pinned_set(pinned, "general_text"), paths.general_texts)
    return {}


def _texts(pinned: PinnedSet) -> list[tuple[str, str]]:
    # Bytes, not lines: a response in CSV may hold line ends of its own.
    return [(file.name, fetch(file).read_bytes().decode("utf-8")) for file in pinned.files]
