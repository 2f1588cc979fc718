from pathlib import Path

import pytest
from mlflow import MlflowClient

from charter.project.errors import CharterError
from charter.project.gate import Gate
from charter.project.storage import read_json
from charter.registry.decisions import Decision
from charter.registry.promotion import history, promote, rollback
from charter.registry.publishing import publish
from synthetic_project import make_project

pytest_plugins = ["mlflow_store"]

TOO_GOOD = (Gate(metric="bleu", against="none", minimum=99.0),)


def test_a_decision_is_a_tag_of_its_version_and_a_file_beside_its_adapter(
    project_root: Path, mlflow_client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(project_root, make_project(project_root, ("udhr",)), "udhr")
    monkeypatch.delenv("MLFLOW_TRACKING_USERNAME", raising=False)
    monkeypatch.setenv("LOGNAME", "ann")
    dry = promote(project_root, "udhr", TOO_GOOD, reason="as a try", dry_run=True)
    assert (dry.action, history(project_root, "udhr")) == ("forced", [])
    assert "champion" not in mlflow_client.get_registered_model("charter-udhr").aliases

    promote(project_root, "udhr", TOO_GOOD)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "bob")
    promote(project_root, "udhr", TOO_GOOD, number=1, reason="the board wants it")
    decisions = history(project_root, "udhr")
    assert [(item.action, item.who, item.reason) for item in decisions] == [
        ("refused", "ann", None),
        ("forced", "bob", "the board wants it"),
    ]
    forced = decisions[1]
    assert forced.failed[0] == "bleu of dpo: 36.9, 95 % interval 36.4 to 37.4, whose lower end is below 99"
    assert (forced.conditions[0].figure, forced.conditions[0].bound) == (36.4, 99.0)
    tags = mlflow_client.get_model_version("charter-udhr", "1").tags
    assert Decision.model_validate_json(tags[f"decision.{forced.when}"]) == forced
    files = sorted(project_root.glob("mlartifacts/udhr/models/*/artifacts/decisions/*.json"))
    assert [Decision.model_validate(read_json(path)) for path in files] == decisions

    with pytest.raises(CharterError, match="charter-udhr has no version 7"):
        promote(project_root, "udhr", (), number=7)


def test_a_rollback_follows_what_was_decided_and_the_list_kept_before_that(
    project_root: Path, mlflow_client: MlflowClient
) -> None:
    """Versions that Charter didn't register will do: nothing is judged here."""
    mlflow_client.create_registered_model("charter-udhr", {"previous_champions": "1,2"})
    for _ in range(4):
        mlflow_client.create_model_version("charter-udhr", project_root.as_uri())

    def make_champion(number: int, previous: int) -> None:
        mlflow_client.set_registered_model_alias("charter-udhr", "champion", str(number))
        decision = Decision(model="charter-udhr", version=number, action="promoted", previous=previous)
        key = f"decision.{decision.when}"
        mlflow_client.set_model_version_tag("charter-udhr", str(number), key, decision.model_dump_json())

    make_champion(4, previous=3)
    make_champion(2, previous=4)
    went_back = [rollback(project_root, "udhr").version for _ in range(4)]
    assert went_back == [4, 3, 2, 1]
    with pytest.raises(CharterError, match="version 1 is the first champion"):
        rollback(project_root, "udhr")
    assert [item.previous for item in history(project_root, "udhr")] == [3, 4, 2, 4, 3, 2]
