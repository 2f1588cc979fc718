import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.repo import Repo
from mlflow import MlflowClient

from charter.project.errors import CharterError
from charter.project.gate import Gate
from charter.project.paths import CorpusPaths
from charter.project.storage import write_json, write_text
from charter.registry.decisions import Decision
from charter.registry.promotion import history, promote
from charter.registry.publishing import publish
from synthetic_project import make_project, retrain

pytest_plugins = ["mlflow_store"]

ADAPTER = "models/dpo/udhr"
CHUNKS = "data/chunks/udhr.jsonl"


def texts(decision: Decision) -> list[str]:
    return [f"{'pass' if item.passed else 'FAIL'} {item.text}" for item in decision.conditions]


def commit(root: Path) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    for command in (
        ("init", "--quiet"),
        ("add", "src"),
        (*identity, "commit", "--quiet", "--message", "one"),
    ):
        subprocess.run(["git", "-C", str(root), *command], check=True)
    done = subprocess.run(
        ["git", "-C", str(root), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    )
    return done.stdout[:8]


def test_what_a_version_was_made_from_must_be_committed_and_kept_by_dvc(
    project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = make_project(project_root, ("udhr",))
    write_text(project_root / "src/code.py", "x = 1\n")
    revision = commit(project_root)
    monkeypatch.chdir(project_root)
    with Repo.init() as repository:
        write_text(project_root / CHUNKS, "{}\n")
        repository.add([ADAPTER, CHUNKS])
        adapter, chunks = (
            yaml.safe_load(Path(f"{path}.dvc").read_text())["outs"][0] for path in (ADAPTER, CHUNKS)
        )
        # What other stages made isn't looked for; nor is what git has.
        stages: dict[str, Any] = {
            "extract@udhr": {
                "outs": [
                    chunks | {"path": CHUNKS},
                    {"path": "data/metrics/udhr/extract.json", "md5": "0" * 32},
                ]
            },
            "dpo@udhr": {"deps": [{"path": "data/chunks"}], "outs": [adapter | {"path": ADAPTER}]},
            "evaluate@udhr": {"deps": [{"path": ADAPTER}], "outs": [{"path": "data/p", "md5": "1" * 32}]},
            "fetch-documents": {"outs": [{"path": "data/raw/udhr.html", "md5": "2" * 32}]},
        }
        Path("dvc.lock").write_text(yaml.safe_dump({"stages": stages}))
        publish(project_root, params, "udhr")
        code = f"pass code: git revision {revision}, committed and clean"
        complete = [
            code,
            "pass data: in DVC's cache or remote",
            "pass bytes: the adapter is the one that was evaluated",
        ]
        decision = promote(project_root, "udhr", ())
        assert (decision.action, texts(decision)) == ("promoted", complete)

        with (project_root / ".dvc/config").open("a") as config:
            config.write(f"[core]\n remote = store\n['remote \"store\"']\n url = {project_root}/pushed\n")
    with Repo(str(project_root)) as repository:
        repository.push()
    cache = project_root / ".dvc/cache/files"
    cache.rename(project_root / "lost")
    assert texts(promote(project_root, "udhr", (), dry_run=True)) == complete
    (project_root / "pushed").rename(project_root / "gone")
    found = texts(promote(project_root, "udhr", (), dry_run=True))
    assert found[0] == code
    assert found[1].startswith("FAIL data: not in DVC's cache or default remote: ")
    assert set(found[1].split(": ")[2].split(", ")) == {
        CHUNKS,
        ADAPTER,
        "adapter/adapter_model.safetensors",
        "adapter/adapter_config.json",
    }

    write_text(project_root / "src/code.py", "x = 2\n")
    publish(project_root, retrain(CorpusPaths(project_root, "udhr"), beta=0.2, dpo_bleu=38.0), "udhr")
    decision = promote(project_root, "udhr", ())
    assert decision.action == "refused"
    assert texts(decision)[0] == f"FAIL code: git revision {revision}, with changes that were not committed"


def test_no_reason_promotes_other_bytes_than_those_evaluated(
    project_root: Path, mlflow_client: MlflowClient
) -> None:
    publish(project_root, make_project(project_root, ("udhr",)), "udhr")
    for file in project_root.glob("mlartifacts/udhr/models/*/artifacts/adapter/adapter_model.safetensors"):
        if file.read_text() == "dpo of udhr":
            file.write_text("other weights")
    decision = promote(project_root, "udhr", (), reason="I know what I do")
    assert decision.action == "refused"
    assert "FAIL bytes: the adapter is not the one that was evaluated: force is no help" in texts(decision)
    assert promote(project_root, "udhr", (), "sft", reason="I know what I do").action == "forced"
    assert "champion" not in mlflow_client.get_registered_model("charter-udhr").aliases


def test_a_version_with_an_older_record_is_replaceable_and_publishing_renews_it(
    project_root: Path, mlflow_client: MlflowClient
) -> None:
    params = make_project(project_root, ("udhr",))
    publish(project_root, params, "udhr")
    promote(project_root, "udhr", (), reason="the first")
    for path in project_root.glob("mlartifacts/udhr/models/*/artifacts/evaluate.json"):
        write_json(path, {"corpus": "udhr"})
    with pytest.raises(
        CharterError, match=r"evaluate\.json was changed after .*`charter publish udhr` registers"
    ):
        promote(project_root, "udhr", ())
    for name in ("charter-udhr", "charter-udhr.sft"):
        mlflow_client.delete_model_version_tag(name, "1", "sha256.evaluation")
    with pytest.raises(CharterError, match=r"version 1: its evaluate\.json is of another version of Charter"):
        promote(project_root, "udhr", ())

    assert publish(project_root, params, "udhr").versions == {"charter-udhr": 2, "charter-udhr.sft": 2}
    gates = (
        Gate(metric="bleu", against="champion", minimum=-1.0),
        Gate(metric="bleu", against="none", minimum=1.0),
    )
    decision = promote(project_root, "udhr", gates)
    assert (decision.action, decision.version, decision.previous) == ("refused", 2, 1)
    assert texts(decision)[:2] == [
        "FAIL bleu over champion: charter-udhr version 1: its evaluate.json is of another version of Charter",
        "pass bleu of dpo: 36.9, 95 % interval 36.4 to 37.4, whose lower end reaches 1",
    ]
    assert promote(project_root, "udhr", gates, reason="the old one can't be read").action == "forced"
    assert [item.action for item in history(project_root, "udhr")] == ["forced", "refused", "forced"]
