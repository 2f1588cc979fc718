from pathlib import Path

import pytest
from mlflow import MlflowClient

from charter.project.errors import CharterError
from charter.project.gate import Gate
from charter.project.paths import CorpusPaths
from charter.registry import promotion as registry
from charter.registry.publishing import publish
from synthetic_project import make_project, retrain, write_results

pytest_plugins = ["mlflow_store"]

BETTER_THAN_CHAMPION = (Gate(metric="bleu", against="champion", minimum=0.0),)


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
        publish(project_root, retrain(paths, beta, bleu), "udhr")
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
    publish(project_root, retrain(paths, 0.1, 37.0), "udhr")
    registry.promote(project_root, "udhr", BETTER_THAN_CHAMPION)
    publish(project_root, retrain(paths, 0.2, 30.0), "udhr")
    write_results(paths, dpo_bleu=99.0)

    promotion = registry.promote(project_root, "udhr", BETTER_THAN_CHAMPION)
    assert (promotion.promoted, promotion.version, promotion.previous) == (False, 2, 1)
    assert promotion.gates[0].figure == pytest.approx(-7.0)
    assert champion(mlflow_client) == 1


def test_versions_that_charter_did_not_record_are_refused(
    project_root: Path, mlflow_client: MlflowClient
) -> None:
    publish(project_root, make_project(project_root, ("udhr",)), "udhr")
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
        publish(project_root, retrain(CorpusPaths(project_root, "udhr"), beta, bleu), "udhr")
        registry.promote(project_root, "udhr", ())
    mlflow_client.delete_model_version("charter-udhr", "2")
    assert registry.rollback(project_root, "udhr").version == 1


def test_without_a_candidate_or_a_champion_it_says_so(project_root: Path) -> None:
    with pytest.raises(CharterError, match="charter-udhr has no candidate"):
        registry.promote(project_root, "udhr", ())
    with pytest.raises(CharterError, match="charter-udhr has no champion"):
        registry.rollback(project_root, "udhr")
