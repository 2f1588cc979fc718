from pathlib import Path

import pytest
from mlflow import MlflowClient

from charter.project.errors import CharterError
from charter.project.paths import CorpusPaths
from charter.project.sections import Gate
from charter.registry import promotion as registry
from charter.registry.promotion import publishing
from synthetic_project import make_evaluation, make_project, retrain, write_results

pytest_plugins = ["mlflow_store"]

# The paired difference of dpo and sft is 0.7 +- 0.3, of dpo and cft+rag 17.4 +- 0.3; dpo has 36.9 +- 0.5.
BETTER_THAN_CHAMPION = (Gate(metric="bleu", against="champion", minimum=0.0),)


def judge(metric: str, against: str, minimum: float) -> registry.GateResult:
    (result,) = registry.evaluate_gates(
        [Gate(metric=metric, against=against, minimum=minimum)], make_evaluation(), None
    )
    return result


@pytest.mark.parametrize(
    ("metric", "against", "minimum", "figure", "passed"),
    [
        ("bleu", "cft+rag", 17.0, 17.1, True),
        ("bleu", "cft+rag", 17.2, 17.1, False),  # the difference itself, 17.4, would do
        ("bleu", "sft", -2.0, 0.4, True),
        ("bleu", "none", 36.0, 36.4, True),
        ("bleu", "none", 36.5, 36.4, False),
        ("adherence", "seed", 0.2, 0.249, True),  # no paired difference was measured
        ("adherence", "seed", 0.3, 0.249, False),
        ("win_rate", "none", 0.3, 0.364, True),
    ],
)
def test_a_gate_is_judged_by_the_lower_bound_where_there_is_one(
    metric: str, against: str, minimum: float, figure: float, passed: bool
) -> None:
    result = judge(metric, against, minimum)
    assert result.figure == pytest.approx(figure)
    assert (result.passed, result.minimum) == (passed, minimum)
    assert f"{minimum:g}" in result.text


@pytest.mark.parametrize(
    ("metric", "against", "reason"),
    [
        ("blue", "none", "blue: not measured on dpo"),
        ("bleu", "dpo+tools", "not measured on dpo[+]tools"),
    ],
)
def test_what_was_not_measured_passes_no_gate(metric: str, against: str, reason: str) -> None:
    result = judge(metric, against, -100.0)
    assert (result.passed, result.figure) == (False, None)
    assert result.text.endswith(reason.replace("[+]", "+"))


def test_an_estimate_over_no_items_passes_no_gate() -> None:
    evaluation = make_evaluation()
    nothing = evaluation.systems["dpo"]["bleu"].model_copy(update={"n": 0})
    evaluation = evaluation.model_copy(update={"systems": {"dpo": {"bleu": nothing}}})
    (result,) = registry.evaluate_gates([Gate(metric="bleu", against="none", minimum=0.0)], evaluation, None)
    assert not result.passed


def test_no_gate_uses_a_win_rate_whose_judge_failed_its_controls() -> None:
    gates = [
        Gate(metric="win_rate", against="none", minimum=0.0),
        Gate(metric="bleu", against="none", minimum=0.0),
    ]
    win_rate, bleu = registry.evaluate_gates(gates, make_evaluation(judge_valid=False), None)
    assert (win_rate.passed, win_rate.figure) == (False, None)
    assert "judge" in win_rate.text
    assert bleu.passed


def test_the_champion_is_compared_on_the_same_questions_only() -> None:
    gates = [Gate(metric="bleu", against="champion", minimum=-1.0)]
    candidate = make_evaluation(dpo_bleu=36.0)
    (without,) = registry.evaluate_gates(gates, candidate, None)
    (near,) = registry.evaluate_gates(gates, candidate, make_evaluation(dpo_bleu=36.9))
    (far,) = registry.evaluate_gates(gates, candidate, make_evaluation(dpo_bleu=37.1))
    (other,) = registry.evaluate_gates(gates, candidate, make_evaluation(dpo_bleu=20.0, sft_test="f" * 64))
    assert (without.passed, near.passed, far.passed, other.passed) == (True, True, False, False)
    assert near.figure == pytest.approx(-0.9)
    assert "other questions" in other.text


def champion(mlflow_client: MlflowClient) -> int | None:
    aliases = mlflow_client.get_registered_model("charter-udhr").aliases
    return int(aliases["champion"]) if "champion" in aliases else None


def test_promotion_moves_the_alias_and_rollback_goes_back_step_by_step(
    project_root: Path, mlflow_client: MlflowClient
) -> None:
    make_project(project_root, ("udhr",))
    paths = CorpusPaths(project_root, "udhr")
    previous = []
    for beta, bleu in ((0.1, 37.0), (0.2, 38.0), (0.3, 39.0)):
        publishing.publish(project_root, retrain(paths, beta, bleu))
        promotion = registry.promote(project_root, "udhr", BETTER_THAN_CHAMPION)
        assert promotion.promoted
        assert champion(mlflow_client) == promotion.version
        previous.append(promotion.previous)
    assert previous == [None, 1, 2]

    again = registry.promote(project_root, "udhr", BETTER_THAN_CHAMPION)
    assert (again.promoted, again.version, again.previous) == (True, 3, 3)

    first = registry.rollback(project_root, "udhr")
    assert (first.version, first.withdrawn, champion(mlflow_client)) == (2, 3, 2)
    assert registry.rollback(project_root, "udhr").version == champion(mlflow_client) == 1
    with pytest.raises(CharterError, match="version 1 is the first champion"):
        registry.rollback(project_root, "udhr")
    assert champion(mlflow_client) == 1

    assert (
        registry.promote(project_root, "udhr", BETTER_THAN_CHAMPION).version == champion(mlflow_client) == 3
    )
    assert registry.rollback(project_root, "udhr").version == 1


def test_a_planted_worse_version_is_refused_whatever_the_files_say(
    project_root: Path, mlflow_client: MlflowClient
) -> None:
    make_project(project_root, ("udhr",))
    paths = CorpusPaths(project_root, "udhr")
    publishing.publish(project_root, retrain(paths, 0.1, 37.0))
    registry.promote(project_root, "udhr", BETTER_THAN_CHAMPION)
    publishing.publish(project_root, retrain(paths, 0.2, 30.0))
    write_results(paths, dpo_bleu=99.0)

    promotion = registry.promote(project_root, "udhr", BETTER_THAN_CHAMPION)
    assert (promotion.promoted, promotion.version, promotion.previous) == (False, 2, 1)
    assert promotion.gates[0].figure == pytest.approx(-7.0)
    assert champion(mlflow_client) == 1


def test_versions_that_charter_did_not_record_are_refused(
    project_root: Path, mlflow_client: MlflowClient
) -> None:
    publishing.publish(project_root, make_project(project_root, ("udhr",)))
    good = mlflow_client.get_model_version_by_alias("charter-udhr", "candidate")
    bare = mlflow_client.create_model_version(
        "charter-udhr", (project_root / "models").as_uri(), tags={"bleu": "99"}
    )
    mlflow_client.set_registered_model_alias("charter-udhr", "candidate", bare.version)
    with pytest.raises(CharterError, match=r"charter-udhr version 2 has no evaluate\.json"):
        registry.promote(project_root, "udhr", ())
    worse = mlflow_client.create_model_version(
        "charter-udhr", good.source, tags=good.tags | {"bleu": "3.0000"}
    )
    mlflow_client.set_registered_model_alias("charter-udhr", "candidate", worse.version)
    with pytest.raises(CharterError, match=r"version 3: its tag bleu is 3\.0000, but .* says 36\.9000"):
        registry.promote(project_root, "udhr", ())
    assert champion(mlflow_client) is None


def test_a_rollback_skips_versions_that_were_deleted(project_root: Path, mlflow_client: MlflowClient) -> None:
    make_project(project_root, ("udhr",))
    for beta, bleu in ((0.1, 37.0), (0.2, 38.0), (0.3, 39.0)):
        publishing.publish(project_root, retrain(CorpusPaths(project_root, "udhr"), beta, bleu))
        registry.promote(project_root, "udhr", ())
    mlflow_client.delete_model_version("charter-udhr", "2")
    assert registry.rollback(project_root, "udhr").version == 1


def test_without_a_candidate_or_a_champion_it_says_so(project_root: Path) -> None:
    with pytest.raises(CharterError, match="charter-udhr has no candidate"):
        registry.promote(project_root, "udhr", ())
    with pytest.raises(CharterError, match="charter-udhr has no champion"):
        registry.rollback(project_root, "udhr")
