"""Runs of arms: below the run of the state that they are compared with, a run for each of their systems."""

from collections.abc import Iterator

from mlflow import MlflowClient
from mlflow.entities import Run

from charter.evaluation.arm_results import ArmEvaluation
from charter.project.records import content_id
from charter.registry.runs import PARENT, Figure, children, curve_figures, log, with_intervals
from charter.report.pipeline_state import PipelineState

_RESULT = "arm.result"


def publish_arm(client: MlflowClient, parent: Run, state: PipelineState, arm: ArmEvaluation) -> None:
    """Write the runs of an arm, unless they are there; those of earlier results of the same name go.

    They have the parameters of the main training, but for what the arm changes.
    """
    paths = state.paths.arm(arm.arm, state.corpus, arm.trained.stages)
    there = children(client, parent)
    params = state.params | {"arm.sft": arm.trained.sft, "arm.dpo": arm.trained.dpo}
    if arm.trained.seed is not None:
        params["seed"] = str(arm.trained.seed)
    for label in arm.systems:
        name = f"{arm.arm}/{label}"
        result = content_id(arm.model_dump_json(), label)
        earlier = there.get(name)
        if earlier and earlier.data.tags.get(_RESULT) == result and earlier.info.status == "FINISHED":
            continue
        if earlier:
            client.delete_run(earlier.info.run_id)
        system, _, rag = label.partition("+")
        tags = {"label": name, "corpus": state.corpus, "system": system, "rag": str(bool(rag)).lower()}
        tags |= {"arm": arm.arm, _RESULT: result, PARENT: parent.info.run_id}
        run = client.create_run(parent.info.experiment_id, tags=tags, run_name=f"{name} {state.corpus}")
        log(
            client, run, [*_figures(arm, label), *([] if rag else curve_figures(paths.curve(system)))], params
        )
        client.set_terminated(run.info.run_id)


def _figures(arm: ArmEvaluation, label: str) -> Iterator[Figure]:
    """Yield what a system has, and what it has more than another, as ``right_answers_minus_main``."""
    yield from with_intervals(arm.systems[label])
    rows = (row for row in arm.comparisons if row.system == label)
    yield from with_intervals({f"{row.metric}_minus_{row.against}": row.difference for row in rows})
