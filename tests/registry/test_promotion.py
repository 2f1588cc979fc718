import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from charter.project.errors import CharterError
from charter.project.gate import Gate
from charter.project.paths import CorpusPaths
from charter.registry import promotion as registry
from charter.registry.decisions import champions_before
from charter.registry.publishing import publish
from synthetic_project import make_project, retrain, write_results

pytest_plugins = ["mlflow_store"]

BETTER_THAN_CHAMPION = (Gate(metric="bleu", against="champion", minimum=0.0),)


MOVE = """
import sys, time
from pathlib import Path
from charter.registry.promotion import promote, rollback

root, action, start = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
(start / f"ready-{sys.argv[4]}").touch()
while not (start / "go").exists():
    time.sleep(0.001)
outcome = promote(root, "udhr", (), reason="a race") if action == "promote" else rollback(root, "udhr")
print(outcome.version, outcome.previous)
"""


@pytest.fixture(autouse=True)
def complete_lineage(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gates alone decide; `test_conditions` is about the rest."""
    monkeypatch.setattr(registry, "check_lineage", lambda *_: [])


def at_once(root: Path, action: str, processes: int) -> list[str]:
    """Let processes promote or roll back, all from the same moment; return what each of them printed."""
    start = root / f"start-{action}"
    start.mkdir()
    started = [
        subprocess.Popen(
            [sys.executable, "-c", MOVE, str(root), action, str(start), str(number)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(processes)
    ]
    while len(list(start.iterdir())) < processes:
        assert all(process.poll() is None for process in started)
        time.sleep(0.01)
    (start / "go").touch()
    printed = [process.communicate(timeout=300)[0].strip() for process in started]
    assert [process.returncode for process in started] == [0] * processes
    return sorted(printed)


def champion(mlflow_client: MlflowClient, name: str = "charter-udhr") -> int | None:
    aliases = mlflow_client.get_registered_model(name).aliases
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
        assert promotion.action == "promoted"
        assert champion(mlflow_client) == promotion.version
        previous.append(promotion.previous)
    assert previous == [None, 1, 2]

    again = registry.promote(project_root, "udhr", BETTER_THAN_CHAMPION)
    assert (again.action, again.version, again.previous) == ("promoted", 3, 3)

    first = registry.rollback(project_root, "udhr")
    assert (first.version, first.previous, champion(mlflow_client)) == (2, 3, 2)
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
    assert (promotion.action, promotion.version, promotion.previous) == ("refused", 2, 1)
    assert promotion.conditions[0].figure == pytest.approx(-7.0)
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


def test_processes_at_once_move_the_champion_one_after_the_other(
    project_root: Path, mlflow_client: MlflowClient
) -> None:
    make_project(project_root, ("udhr",))
    paths = CorpusPaths(project_root, "udhr")
    for number in range(1, 4):
        publish(project_root, retrain(paths, number / 10, 36.0 + number), "udhr")
        registry.promote(project_root, "udhr", ())
    publish(project_root, retrain(paths, 0.4, 40.0), "udhr")
    # One promotes version 4 in place of 3; to the other it is champion already.
    assert at_once(project_root, "promote", 2) == ["4 3", "4 4"]
    assert champions_before(mlflow_client, "charter-udhr", 4) == [1, 2, 3]
    # Each goes back by one.
    assert at_once(project_root, "rollback", 2) == ["2 3", "3 4"]
    assert champion(mlflow_client) == 2
    assert champions_before(mlflow_client, "charter-udhr", 2) == [1]


def test_a_champion_that_another_machine_made_meanwhile_is_left(
    project_root: Path, mlflow_client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock holds on one machine only; over a tracking server others may write between two looks."""
    make_project(project_root, ("udhr",))
    paths = CorpusPaths(project_root, "udhr")
    for number in range(1, 4):
        publish(project_root, retrain(paths, number / 10, 36.0 + number), "udhr")
    mlflow_client.set_registered_model_alias("charter-udhr", "champion", "1")
    judge = registry.judge_gates
    for reason, other in ((None, 2), ("it is needed today", 1)):

        def slowly(*arguments: Any, other: int = other) -> Any:
            mlflow_client.set_registered_model_alias("charter-udhr", "champion", str(other))
            return judge(*arguments)

        monkeypatch.setattr(registry, "judge_gates", slowly)
        with pytest.raises(CharterError, match=f"version {other} was made champion at the same time"):
            registry.promote(project_root, "udhr", (), reason=reason)
        assert champion(mlflow_client) == other
    assert registry.history(project_root, "udhr") == []


def test_sft_is_promoted_by_its_own_figures_and_has_its_own_champion(
    project_root: Path, mlflow_client: MlflowClient
) -> None:
    publish(project_root, make_project(project_root, ("udhr",)), "udhr")
    gates = (Gate(metric="bleu", against="none", minimum=36.0),)  # SFT has 36.2 - 0.5, SFT+DPO 36.9 - 0.5
    refused = registry.promote(project_root, "udhr", gates, "sft")
    assert (refused.model, refused.action) == ("charter-udhr.sft", "refused")
    assert refused.conditions[0].figure == pytest.approx(35.7)
    assert registry.promote(project_root, "udhr", gates).action == "promoted"
    assert champion(mlflow_client, "charter-udhr.sft") is None
    promotion = registry.promote(project_root, "udhr", BETTER_THAN_CHAMPION, "sft")
    assert promotion.action == "promoted"
    assert champion(mlflow_client, "charter-udhr.sft") == 1
    with pytest.raises(CharterError, match=r"charter-udhr\.sft: version 1 is the first champion"):
        registry.rollback(project_root, "udhr", "sft")
