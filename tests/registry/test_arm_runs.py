"""Arms in MLflow: below the state that they are compared with, once, and new where their result is."""

from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from charter.evaluation.arm_results import ArmEvaluation
from charter.evaluation.results import Comparison, load_evaluation
from charter.project.params import Params
from charter.project.paths import ArmPaths, ProjectPaths
from charter.project.storage import write_json, write_text
from charter.project.training_sections import Arm
from charter.registry.publishing import publish
from synthetic_project import estimate, make_project, retrain

pytest_plugins = ["mlflow_store"]

ARM = Arm(corpus="udhr", seed=7)


@pytest.fixture
def params(project_root: Path) -> Params:
    return make_project(project_root, ("udhr",)).model_copy(update={"arms": {"again": ARM}})


@pytest.fixture
def paths(project_root: Path) -> ArmPaths:
    return ProjectPaths(project_root).arm("again", "udhr", ARM.stages)


def write_arm(paths: ArmPaths, right: float) -> None:
    """Write what an arm has in right answers, as compared with the evaluation that is there."""
    difference = Comparison(
        system="dpo", against="main", metric="right_answers", difference=estimate(0.1, 0.05), p=0.5
    )
    measured = ArmEvaluation(
        arm="again",
        trained=ARM,
        systems={label: {"right_answers": estimate(right, 0.1)} for label in ("dpo", "dpo+rag")},
        comparisons=[difference],
        evaluation=load_evaluation(paths.metrics("evaluate")).identity,
    )
    write_json(paths.figures, measured.model_dump())
    write_text(paths.curve("dpo"), "step,loss\n1,0.7\n2,0.6\n")


def of_arms(client: MlflowClient) -> dict[str, Run]:
    experiment = client.get_experiment_by_name("charter/udhr")
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id])
    return {run.data.tags["label"]: run for run in found if "arm" in run.data.tags}


def test_an_arm_is_below_its_state_with_what_it_changes(
    project_root: Path, params: Params, paths: ArmPaths, mlflow_client: MlflowClient
) -> None:
    publication = publish(project_root, params, "udhr")
    assert of_arms(mlflow_client) == {}
    write_arm(paths, 0.4)
    again = publish(project_root, params, "udhr")
    assert (again.run_id, again.created, again.versions) == (publication.run_id, False, publication.versions)
    runs = of_arms(mlflow_client)
    assert set(runs) == {"again/dpo", "again/dpo+rag"}
    assert {run.data.tags["mlflow.parentRunId"] for run in runs.values()} == {publication.run_id}
    dpo = runs["again/dpo"].data
    assert (dpo.params["seed"], dpo.params["arm.dpo"], dpo.params["dpo.beta"]) == ("7", "pairs", "0.1")
    assert (dpo.metrics["right_answers"], dpo.metrics["right_answers_low"]) == (0.4, pytest.approx(0.3))
    assert dpo.metrics["right_answers_minus_main"] == 0.1
    assert dpo.metrics["train/loss"] == 0.6
    assert "train/loss" not in runs["again/dpo+rag"].data.metrics


def test_it_is_there_once_and_a_new_result_takes_its_place(
    project_root: Path, params: Params, paths: ArmPaths, mlflow_client: MlflowClient
) -> None:
    write_arm(paths, 0.4)
    publish(project_root, params, "udhr")
    before = {label: run.info.run_id for label, run in of_arms(mlflow_client).items()}
    publish(project_root, params, "udhr")
    assert {label: run.info.run_id for label, run in of_arms(mlflow_client).items()} == before
    write_arm(paths, 0.5)
    publish(project_root, params, "udhr")
    after = of_arms(mlflow_client)
    assert set(after) == set(before)
    assert after["again/dpo"].data.metrics["right_answers"] == 0.5
    assert after["again/dpo"].info.run_id not in before.values()


def test_an_arm_of_an_earlier_state_is_not_put_below_a_later_one(
    project_root: Path, params: Params, paths: ArmPaths, mlflow_client: MlflowClient
) -> None:
    write_arm(paths, 0.4)
    own = ProjectPaths(project_root).corpus("udhr")
    later = retrain(own, beta=0.2, dpo_bleu=38.0).model_copy(update={"arms": params.arms})
    publish(project_root, later, "udhr")
    assert of_arms(mlflow_client) == {}
