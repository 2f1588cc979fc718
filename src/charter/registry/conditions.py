"""What must hold of a version before it becomes champion: the gates, its lineage, and its bytes."""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import file_digest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dvc.repo import Repo
from dvc_data.hashfile.db import HashFileDB
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.tree import Tree
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from pydantic import BaseModel

from charter.evaluation.gates import Champion, evaluate_gates
from charter.evaluation.pairing import Scores
from charter.evaluation.results import Evaluation
from charter.project.errors import CharterError
from charter.project.gate import Gate
from charter.project.records import System
from charter.project.storage import directory_sha256
from charter.registry.failures import http_status
from charter.registry.runs import PARENT
from charter.registry.versions import download, recorded_evaluation, recorded_scores
from charter.report.pipeline_state import recorded_stages


class Condition(BaseModel):
    """Something that must hold, and whether it does; nothing overrides one that is ``binding``.

    Of a gate there are its bound and, where there was one to judge, the figure held against it.
    """

    text: str
    passed: bool
    figure: float | None = None
    bound: float | None = None
    binding: bool = False


def judge_gates(
    client: MlflowClient,
    gates: Sequence[Gate],
    system: System,
    evaluation: Evaluation,
    scores: Scores | None,
    champion: ModelVersion | None,
) -> Iterator[Condition]:
    """Yield the gates, judged by a version's evaluation and scores, and by those recorded with the champion.

    Those against a champion whose record can't be read fail: so it can be replaced, but not unnoticed.
    """
    opponent, flaw = None, None
    if champion:
        try:
            opponent = Champion(
                recorded_evaluation(client, champion, system), scores, recorded_scores(client, champion)
            )
        except CharterError as error:
            flaw = str(error)
    for result in evaluate_gates(gates, system, evaluation, opponent):
        gate = result.gate
        bound = gate.maximum if gate.minimum is None else gate.minimum
        if flaw and gate.against == "champion":
            yield Condition(text=f"{gate.metric} over champion: {flaw}", passed=False, bound=bound)
        else:
            yield Condition(text=result.text, passed=result.passed, figure=result.figure, bound=bound)


def check_lineage(client: MlflowClient, root: Path, version: ModelVersion) -> Iterator[Condition]:
    """Yield whether a version can be made again, and whether its adapter's bytes are those evaluated."""
    with TemporaryDirectory() as folder:
        adapter = download(client, f"{version.source}/adapter", folder)
        yield _code(version)
        yield _data(client, root, version, adapter)
        same = directory_sha256(adapter) == version.tags["sha256.adapter"]
        text = (
            "is the one that was evaluated" if same else "is not the one that was evaluated: force is no help"
        )
        yield Condition(text=f"bytes: the adapter {text}", passed=same, binding=True)


def _code(version: ModelVersion) -> Condition:
    revision = version.tags.get("git_revision", "unknown")
    if revision == "unknown":
        return Condition(text="code: it was registered outside of a git repository", passed=False)
    clean = version.tags.get("git_dirty") == "false"
    text = "committed and clean" if clean else "with changes that were not committed"
    return Condition(text=f"code: git revision {revision:.8}, {text}", passed=clean)


def _data(client: MlflowClient, root: Path, version: ModelVersion, adapter: Path) -> Condition:
    """Look for the outputs that a version was made from, and for its adapter, where DVC keeps them."""
    digests = _recorded_outputs(client, version)
    if not digests:
        return Condition(text="data: its run has no dvc.lock that says what it was made from", passed=False)
    for file in adapter.rglob("*"):
        if file.is_file():
            with file.open("rb") as content:
                digests[f"adapter/{file.name}"] = file_digest(content, "md5").hexdigest()
    try:
        lost = _lost(root, digests)
    except Exception as error:  # each kind of remote has errors of its own
        return Condition(text=f"data: DVC can't say whether it has them: {error}", passed=False)
    found = f"not in DVC's cache or default remote: {', '.join(lost)}" if lost else "in DVC's cache or remote"
    return Condition(text=f"data: {found}", passed=not lost)


def _recorded_outputs(client: MlflowClient, version: ModelVersion) -> dict[str, str]:
    """Map the outputs that a version was made from to their md5, by the dvc.lock of its state's run."""
    with TemporaryDirectory() as folder:
        try:
            run = client.get_run(version.run_id or "")
            download(client, f"{client.get_run(run.data.tags[PARENT]).info.artifact_uri}/dvc.lock", folder)
        except FileNotFoundError:
            return {}
        except MlflowException as error:
            if http_status(error) not in (403, 404):  # with accounts, a run that was purged is forbidden
                raise
            return {}
        stages = recorded_stages(Path(folder))
    return {
        out["path"]: out["md5"]
        for stage in sorted(_made_by(stages, f"{version.tags.get('system')}@{version.tags.get('corpus')}"))
        for out in stages.get(stage, {}).get("outs", ())
        if not out["path"].startswith("data/metrics/")  # in git
    }


def _made_by(stages: Mapping[str, Any], stage: str) -> set[str]:
    """Return a stage of dvc.lock with all those before it."""
    needed = [Path(dependency["path"]) for dependency in stages.get(stage, {}).get("deps", ())]
    before = {
        name
        for name, entry in stages.items()
        for made in (Path(out["path"]) for out in entry.get("outs", ()))
        if any(path.is_relative_to(made) or made.is_relative_to(path) for path in needed)
    }
    return {stage}.union(*(_made_by(stages, name) for name in before))


def _lost(root: Path, digests: dict[str, str]) -> list[str]:
    """Return which outputs aren't whole in DVC's cache, nor in its default remote."""
    with Repo(str(root)) as repository:
        lost = [path for path, md5 in digests.items() if not _holds(repository.cache.local, md5)]
        if lost and repository.config["core"].get("remote"):
            remote = repository.cloud.get_remote_odb()
            lost = [path for path in lost if not _holds(remote, digests[path])]
    return lost


def _holds(store: HashFileDB, md5: str) -> bool:
    if not store.exists(md5):
        return False
    files = Tree.load(store, HashInfo("md5", md5)) if md5.endswith(".dir") else ()
    return all(store.exists(file.value) for _, _, file in files)
