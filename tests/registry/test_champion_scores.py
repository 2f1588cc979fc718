"""Scores by item: recorded with every version, and what a later one is paired with."""

from collections.abc import Container
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from charter.evaluation.exam_scoring import add_exam_scores
from charter.evaluation.exam_split import Exam
from charter.evaluation.item_scores import exam_scores
from charter.evaluation.results import load_evaluation
from charter.evaluation.statistics import Resampling
from charter.project.errors import CharterError
from charter.project.exam_records import ExamQuestion
from charter.project.gate import Gate
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.score_records import ItemScore
from charter.project.storage import file_sha256, read_rows, write_json, write_rows
from charter.registry import promotion as registry
from charter.registry.publishing import publish
from exam_rows import answers_of, question_of
from synthetic_project import make_project, retrain

pytest_plugins = ["mlflow_store"]

GATES = (Gate(metric="right_answers", rag=True, against="champion", minimum=-0.05),)
QUESTIONS = [question_of(f"q{n}", f"Part {n % 15}") for n in range(60)]
HALF = {f"q{n}" for n in range(0, 60, 2)}


@pytest.fixture(autouse=True)
def complete_lineage(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gates alone decide."""
    monkeypatch.setattr(registry, "check_lineage", lambda *_: [])


def sit_exam(paths: CorpusPaths, wrong: Container[str], questions: list[ExamQuestion] = QUESTIONS) -> None:
    """Let both aligned models sit an exam, as evaluate does: the one trained last answers some wrongly."""
    exam = Exam(questions, [])
    answers = answers_of(questions, "dpo", wrong=wrong) + answers_of(questions, "sft", wrong=HALF)
    write_rows(paths.item_scores, exam_scores(answers, [], exam))
    recorded = load_evaluation(paths.metrics("evaluate"))
    evaluation = add_exam_scores(recorded, answers, [], Resampling(100, 1)).model_copy(
        update={
            "lineage": recorded.lineage | {"exam": exam.sha256()},
            "item_scores": file_sha256(paths.item_scores),
        }
    )
    write_json(paths.metrics("evaluate"), evaluation.model_dump())


@pytest.fixture
def paths(project_root: Path) -> CorpusPaths:
    make_project(project_root, ("udhr",))
    return CorpusPaths(project_root, "udhr")


def publish_next(paths: CorpusPaths, beta: float, wrong: Container[str] | None) -> Params:
    """Train DPO anew, evaluate it, and publish that; without scores where ``wrong`` is None."""
    params = retrain(paths, beta, 37.0)
    if wrong is not None:
        sit_exam(paths, wrong)
    publish(paths.root, params, "udhr")
    return params


def version_of(mlflow_client: MlflowClient, number: int) -> ModelVersion:
    return mlflow_client.get_model_version("charter-udhr", str(number))


def test_each_version_has_its_own_scores_with_their_hash(
    paths: CorpusPaths, mlflow_client: MlflowClient
) -> None:
    publish_next(paths, 0.1, HALF)
    for name, system in (("charter-udhr", "dpo"), ("charter-udhr.sft", "sft")):
        version = mlflow_client.get_model_version(name, "1")
        record = Path(version.source.removeprefix("file://"), "item_scores.jsonl")
        assert version.tags["sha256.item_scores"] == file_sha256(record)
        rows = read_rows(record, ItemScore)
        assert {row.system for row in rows} == {system}
        assert sum(row.metric == "right_answers" for row in rows) == 60
        assert "gift" not in record.read_text().lower()


def test_versions_on_the_same_exam_are_paired(paths: CorpusPaths) -> None:
    publish_next(paths, 0.1, HALF)
    assert registry.promote(paths.root, "udhr", GATES).action == "promoted"
    publish_next(paths, 0.2, HALF | {"q1", "q3"})
    worse = registry.promote(paths.root, "udhr", GATES)
    # Two lost of sixty: the plain figure would do, what may be lost wouldn't.
    assert (worse.action, worse.version, worse.previous) == ("refused", 2, 1)
    assert "over champion, paired on all 60 items: -0.03333, 95 % interval -0.1" in worse.conditions[0].text
    figure = worse.conditions[0].figure
    assert figure is not None
    assert figure < -0.05 < -2 / 60
    publish_next(paths, 0.3, HALF)
    equal = registry.promote(paths.root, "udhr", GATES)
    assert (equal.action, equal.version, equal.conditions[0].figure) == ("promoted", 3, 0.0)


def test_another_exam_leaves_what_both_were_asked(paths: CorpusPaths) -> None:
    publish_next(paths, 0.1, HALF)
    registry.promote(paths.root, "udhr", ())
    for beta, shared, action in ((0.2, 30, "promoted"), (0.3, 20, "refused")):
        params = retrain(paths, beta, 37.0)
        others = [question_of(f"new {beta} {n}", f"Part {n % 15}") for n in range(60 - shared)]
        sit_exam(paths, HALF, QUESTIONS[:shared] + others)
        publish(paths.root, params, "udhr")
        decision = registry.promote(paths.root, "udhr", GATES, dry_run=True)
        assert (decision.action, decision.previous) == (action, 1)
        assert f"paired on {shared} of 60 items" in decision.conditions[0].text


def test_an_older_champion_is_judged_by_plain_figures_until_it_is_published_again(
    paths: CorpusPaths, mlflow_client: MlflowClient
) -> None:
    params = publish_next(paths, 0.1, HALF)
    mlflow_client.delete_model_version_tag("charter-udhr", "1", "sha256.item_scores")
    mlflow_client.set_registered_model_alias("charter-udhr", "champion", "1")
    again = publish(paths.root, params, "udhr")
    assert again.versions == {"charter-udhr": 2, "charter-udhr.sft": 1}
    assert publish(paths.root, params, "udhr").versions == again.versions
    decision = registry.promote(paths.root, "udhr", GATES)
    assert (decision.action, decision.version, decision.previous) == ("promoted", 2, 1)
    assert "by plain figures since the champion has no scores by item: 0, no" in decision.conditions[0].text


def test_scores_that_were_changed_or_lost_decide_nothing(
    paths: CorpusPaths, mlflow_client: MlflowClient
) -> None:
    params = publish_next(paths, 0.1, HALF)
    registry.promote(paths.root, "udhr", ())
    publish_next(paths, 0.2, set())
    first, second = (
        Path(version_of(mlflow_client, number).source.removeprefix("file://"), "item_scores.jsonl")
        for number in (1, 2)
    )
    whole = first.read_text()
    first.write_text(whole.replace("[1.0]", "[0.0]"))
    decision = registry.promote(paths.root, "udhr", GATES)
    assert decision.action == "refused"
    assert decision.conditions[0].text == (
        "right_answers over champion: charter-udhr version 1: its item_scores.jsonl was changed after it was "
        "registered"
    )
    first.write_text(whole)
    second.unlink()
    with pytest.raises(CharterError, match=r"version 2: its item_scores\.jsonl can't be read.*publish udhr"):
        registry.promote(paths.root, "udhr", GATES)
    params = retrain(paths, 0.2, 37.0)
    sit_exam(paths, set())
    assert publish(paths.root, params, "udhr").versions["charter-udhr"] == 3
    assert registry.promote(paths.root, "udhr", GATES).action == "promoted"


def test_scores_of_another_evaluation_are_not_registered(paths: CorpusPaths) -> None:
    params = retrain(paths, 0.1, 37.0)
    sit_exam(paths, HALF)
    scores = read_rows(paths.item_scores, ItemScore)
    write_rows(paths.item_scores, scores[1:])
    with pytest.raises(CharterError, match=r"item_scores/udhr\.jsonl: not the scores that evaluate wrote"):
        publish(paths.root, params, "udhr")
    paths.item_scores.unlink()
    with pytest.raises(CharterError, match=r"item_scores/udhr\.jsonl: no such file"):
        publish(paths.root, params, "udhr")
    write_rows(paths.item_scores, scores)
    assert publish(paths.root, params, "udhr").versions["charter-udhr"] == 1
