"""The data sets of a state as MLflow's inputs of runs, told by the hashes of their bytes."""

import json
from collections.abc import Iterable
from pathlib import Path

from mlflow.entities import Dataset, DatasetInput, InputTag

from charter.project.metric_names import CUT_METRICS, METRICS
from charter.project.records import System
from charter.report.pipeline_state import PipelineState, recorded_stages

_TRAINED_ON: dict[System, tuple[str, ...]] = {
    "cft": ("chunks",),
    "sft": ("sft_train", "demonstrations"),
    "dpo": ("sft_train", "demonstrations", "preference_train"),
}
_TESTED_ON = ("sft_test", "preference_test")


def data_sets(root: Path, state: PipelineState, system: System | None = None) -> list[DatasetInput]:
    """Return the data that a system was trained on and measured on, or those of all; with each its context.

    Names and SHA-256 are those of the evaluation's lineage; MLflow's own digests read 10,000 rows only.
    ``source`` has the path, and DVC's md5 where dvc.lock knows the file.
    """
    places, lineage, recorded = state.paths.data_sets, state.evaluation.lineage, _recorded_hashes(root)
    used = [*_TRAINED_ON.get(system, ()), *_TESTED_ON] if system else list(places)
    found = []
    for name in used:
        if name in lineage:
            place = places[name].relative_to(root).as_posix()
            source = {"uri": place} | ({"md5": recorded[place]} if place in recorded else {})
            profile = {"sha256": lineage[name]}
            data = Dataset(name, lineage[name][:8], "local", json.dumps(source), profile=json.dumps(profile))
            context = "testing" if name in _TESTED_ON else "training"
            found.append(DatasetInput(data, [InputTag("mlflow.data.context", context)]))
    return found


def measured_on(metric: str, inputs: Iterable[DatasetInput]) -> Dataset | None:
    """Return which of a run's data sets a metric rests on, or its bounds; None for exams and prompts."""
    names = {"adherence": "preference_test"} | dict.fromkeys((*METRICS, *CUT_METRICS.values()), "sft_test")
    name = names.get(metric.removesuffix("_low").removesuffix("_high"))
    return next((item.dataset for item in inputs if item.dataset.name == name), None)


def _recorded_hashes(root: Path) -> dict[str, str]:
    """Map the files that DVC's stages read and wrote to their md5."""
    return {
        file["path"]: file["md5"]
        for stage in recorded_stages(root).values()
        for file in (*stage.get("deps", ()), *stage.get("outs", ()))
        if "md5" in file
    }
