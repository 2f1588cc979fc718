"""The mirror of a corpus's pipeline in MLflow: experiments, runs, curves, registered models.

Files are the truth; this module copies them to where people compare. Publishing is idempotent: a state
(`charter.state`) that MLflow shows already is not written again, and one whose writing was cut off is
written anew. Runs are named by what they are, never by ``MLFLOW_RUN_ID``, which would make every corpus
write to one run.

The store is ``mlflow.db`` and ``mlartifacts`` in the project's folder; MLFLOW_TRACKING_URI overrides it.
"""

import csv
import json
import logging
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

# Set before mlflow is imported: it would report its use to its makers, and print an address for each run
# and a bar for each small file.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import mlflow.artifacts
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelOutput, Metric, Param, Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from charter.errors import CharterError
from charter.model_card import model_card, seed_source, system_lineage
from charter.params import Params
from charter.paths import ProjectPaths
from charter.records import System, content_id
from charter.results import METRICS, SYSTEMS, Estimate, Evaluation, load_evaluation, system_label
from charter.state import ALIGNED, PipelineState, git_revision, read_state
from charter.storage import directory_sha256, file_sha256, write_json, write_text

CANDIDATE = "candidate"
CHAMPION = "champion"

_HISTORY = "previous_champions"
_FINGERPRINT = "fingerprint"
_REPORT = "sha256.report"
_PARENT = "mlflow.parentRunId"
_INTERRUPTED_AFTER_MS = 3600 * 1000
_METRICS_A_BATCH = 800
_PARAMS_A_BATCH = 100

# A new store logs its schema migrations, and the registry each version, as if something were wrong.
for _logger in ("alembic", "mlflow.store.db.utils", "mlflow.store.model_registry.abstract_store"):
    logging.getLogger(_logger).setLevel(logging.WARNING)


@dataclass(frozen=True)
class Publication:
    """What MLflow shows of a corpus after publishing it.

    ``versions`` maps registered model to the version that is now its candidate; ``created`` says whether
    the run was written, or was there already.
    """

    corpus: str
    experiment: str
    run_id: str
    created: bool
    versions: dict[str, int]


@dataclass(frozen=True)
class RegisteredVersion:
    """A version of a registered model; ``evaluation`` was recorded with it, None where nothing was."""

    model: str
    number: int
    tags: dict[str, str]
    evaluation: Evaluation | None


def tracking_uri(root: Path) -> str:
    """Return the store of the project at ``root``, by an absolute path wherever one is called from."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root.resolve()}/mlflow.db"


def ui_command(root: Path, port: int) -> list[str]:
    """Return the command that serves MLflow's UI over the project's store, on this machine only.

    Raises:
        CharterError: The store is a server, which has a UI of its own.
    """
    uri = tracking_uri(root)
    if _is_server(uri):
        raise CharterError(f"MLFLOW_TRACKING_URI is the server {uri}: open that address in a browser")
    store = ["--backend-store-uri", uri, "--default-artifact-root", _artifact_root(root).as_uri()]
    address = ["--host", "127.0.0.1", "--port", str(port)]
    return [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        *store,
        "--no-serve-artifacts",
        "--workers",
        "1",
        *address,
    ]


def model_name(corpus: str, system: System = ALIGNED[0]) -> str:
    """Name the registered model of an aligned system: ``charter-udhr``, and ``charter-udhr.sft`` for SFT."""
    return f"charter-{corpus}" if system == ALIGNED[0] else f"charter-{corpus}.{system}"


def publish(root: Path, params: Params, corpora: Sequence[str] | None = None) -> list[Publication]:
    """Mirror the state of each corpus into MLflow, and register its aligned models as candidates.

    There is one experiment a corpus, in it a run a state, and below that a run a system, with the same
    metric names everywhere. A model version is an adapter with what was measured on it: when neither has
    changed there is no new version.

    Args:
        root: The project's folder.
        params: The whole of params.yaml.
        corpora: Their names; None for all that have been evaluated.

    Raises:
        CharterError: The files of a corpus are missing, broken or not of one state (`read_state`), or what
            arrived in the registry is not the adapter that was sent.
    """
    if corpora is None:
        paths = ProjectPaths(root)
        corpora = [name for name in params.corpora if paths.corpus(name).metrics("evaluate").exists()]
    states = [read_state(root, params, corpus) for corpus in corpora]
    client = MlflowClient(tracking_uri=tracking_uri(root))
    return [_publish_state(client, root, params, state) for state in states]


def load_version(root: Path, corpus: str, alias: str) -> RegisteredVersion | None:
    """Return the version of a corpus's aligned model that an alias names, None where there is none."""
    client = MlflowClient(tracking_uri=tracking_uri(root))
    name = model_name(corpus)
    number = _aliases(client, name).get(alias)
    if number is None:
        return None
    version = client.get_model_version(name, number)
    return RegisteredVersion(name, int(number), version.tags, _recorded_evaluation(client, version))


def champion_history(root: Path, corpus: str) -> list[int]:
    """Return the versions that were champion before the present one, oldest first, that still exist."""
    client = MlflowClient(tracking_uri=tracking_uri(root))
    name = model_name(corpus)
    recorded = client.get_registered_model(name).tags.get(_HISTORY, "")
    existing = {str(version.version) for version in client.search_model_versions(f"name = '{name}'")}
    return [int(number) for number in recorded.split(",") if number in existing]


def set_champion(root: Path, corpus: str, number: int) -> None:
    """Move the champion's alias of a corpus's aligned model to a version."""
    MlflowClient(tracking_uri=tracking_uri(root)).set_registered_model_alias(
        model_name(corpus), CHAMPION, str(number)
    )


def record_history(root: Path, corpus: str, numbers: Sequence[int]) -> None:
    """Remember which versions were champion before the present one, oldest first."""
    MlflowClient(tracking_uri=tracking_uri(root)).set_registered_model_tag(
        model_name(corpus), _HISTORY, ",".join(map(str, numbers))
    )


def metric_tags(system: System, evaluation: Evaluation) -> dict[str, str]:
    """Return the figures of a system without RAG as the tags of its versions."""
    return {metric: f"{estimate.value:.4f}" for metric, estimate in _measured(evaluation, system).items()}


def _publish_state(client: MlflowClient, root: Path, params: Params, state: PipelineState) -> Publication:
    experiment_id, experiment = _experiment(client, root, state)
    parent = _published_run(client, experiment_id, state.fingerprint)
    created = parent is None
    if parent is None:
        _discard_interrupted(client, experiment_id, state.fingerprint)
        parent = _write_runs(client, root, experiment_id, state)
    _attach_report(client, parent, state)
    versions = {}
    for system in ALIGNED:
        number = _register(client, root, params, state, system, parent)
        if number is not None:
            versions[model_name(state.corpus, system)] = number
    return Publication(state.corpus, experiment, parent.info.run_id, created, versions)


def _experiment(client: MlflowClient, root: Path, state: PipelineState) -> tuple[str, str]:
    name = f"charter/{state.corpus}"
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        folder = _artifact_root(root) / state.corpus
        location = None if _is_server(tracking_uri(root)) else folder.as_uri()
        tags = {
            "mlflow.note.content": f"Alignment with: {state.evaluation.title}",
            "mlflow.experimentKind": "custom_model_development",
        }
        return client.create_experiment(name, location, tags), name
    if experiment.lifecycle_stage != "active":
        raise CharterError(
            f"the MLflow experiment {name} was deleted; restore it, or purge it with `mlflow gc`"
        )
    return experiment.experiment_id, name


def _published_run(client: MlflowClient, experiment_id: str, fingerprint: str) -> Run | None:
    # A run is FINISHED only when everything was written: see _write_runs.
    condition = f"tags.{_FINGERPRINT} = '{fingerprint}' and attributes.status = 'FINISHED'"
    return next(iter(client.search_runs([experiment_id], condition)), None)


def _discard_interrupted(client: MlflowClient, experiment_id: str, fingerprint: str) -> None:
    """Delete runs whose writing was cut off: those of this state, and others' when surely not under way."""
    long_ago = _now() - _INTERRUPTED_AFTER_MS
    for run in client.search_runs([experiment_id], "attributes.status = 'RUNNING'"):
        parent = run.data.tags.get(_FINGERPRINT)
        if parent is not None and (parent == fingerprint or run.info.start_time < long_ago):
            for child in _children(client, run).values():
                client.delete_run(child.info.run_id)
            client.delete_run(run.info.run_id)


def _children(client: MlflowClient, parent: Run) -> dict[str, Run]:
    condition = f"tags.{_PARENT} = '{parent.info.run_id}'"
    runs = client.search_runs([parent.info.experiment_id], condition)
    return {run.data.tags["label"]: run for run in runs}


def _write_runs(client: MlflowClient, root: Path, experiment_id: str, state: PipelineState) -> Run:
    """Write a state: a run with everything, and below it a run for each system."""
    evaluation = state.evaluation
    commit, dirty = git_revision(root)
    tags = {
        "corpus": state.corpus,
        "git_dirty": str(dirty).lower(),
        "mlflow.source.name": "dvc repro",
        "mlflow.source.git.commit": commit,
    }
    if "DVC_EXP_NAME" in os.environ:
        tags["dvc_experiment"] = os.environ["DVC_EXP_NAME"]
    name = f"{state.corpus} {tags.get('dvc_experiment', state.params['profile'])} {state.fingerprint[:8]}"
    lineage = {f"sha256.{key}": value for key, value in evaluation.lineage.items()}
    settings = {f"settings.{key}": value for key, value in evaluation.settings.items()}
    own = {_FINGERPRINT: state.fingerprint, "label": "pipeline"}
    parent = client.create_run(experiment_id, tags=tags | own | lineage | settings, run_name=name)
    _log(client, parent, list(_pipeline_metrics(state)), state.params)
    client.log_inputs(parent.info.run_id, list(_datasets(state)))
    for path, place in _artifacts(root, state):
        client.log_artifact(parent.info.run_id, str(path), place)

    for system, rag in SYSTEMS:
        label = system_label(system, rag)
        if label not in evaluation.systems:
            continue
        identity = {"label": label, "system": system, "rag": str(rag).lower(), _PARENT: parent.info.run_id}
        child = client.create_run(experiment_id, tags=tags | identity, run_name=f"{label} {state.corpus}")
        curve = [] if rag else list(_curve(state.paths.curve(system)))
        _log(client, child, list(_system_metrics(evaluation, label)) + curve, state.params)
        client.set_terminated(child.info.run_id)
    client.set_terminated(parent.info.run_id)
    return parent


def _log(client: MlflowClient, run: Run, metrics: list[Metric], params: dict[str, str]) -> None:
    for start in range(0, len(metrics), _METRICS_A_BATCH):
        client.log_batch(run.info.run_id, metrics=metrics[start : start + _METRICS_A_BATCH])
    entities = [Param(key, value) for key, value in params.items()]
    for start in range(0, len(entities), _PARAMS_A_BATCH):
        client.log_batch(run.info.run_id, params=entities[start : start + _PARAMS_A_BATCH])


def _pipeline_metrics(state: PipelineState) -> Iterator[Metric]:
    """Yield the headline, as ``aligned/dpo.bleu``, and what every stage measured, as ``stage/metric``.

    What is before the slash is a section of MLflow's charts; they are in alphabetical order.
    """
    for system in ALIGNED:
        for metric, estimate in _measured(state.evaluation, system).items():
            yield _metric(f"aligned/{system}.{metric}", estimate.value)
    for stage, metrics in state.stage_metrics.items():
        for key, value in metrics.items():
            yield _metric(f"{stage}/{key}", value)


def _system_metrics(evaluation: Evaluation, label: str) -> Iterator[Metric]:
    """Yield a system's figures under plain names, each interval as ``_low`` and ``_high``."""
    measured = dict(_measured(evaluation, label))
    if "win_rate" in measured:
        measured["judge_validity"] = evaluation.judge.shuffled
    for metric, estimate in measured.items():
        yield _metric(metric, estimate.value)
        if estimate.low is not None and estimate.high is not None:
            yield _metric(f"{metric}_low", estimate.low)
            yield _metric(f"{metric}_high", estimate.high)
    if label in evaluation.win_rates:
        yield _metric("win_rate_length_controlled", evaluation.win_rates[label].length_controlled)
        yield _metric("judge_valid", float(evaluation.judge.valid))
    counts = [estimate.n for metric, estimate in measured.items() if metric in METRICS]
    yield _metric("questions", max(counts, default=0))


def _measured(evaluation: Evaluation, label: str) -> dict[str, Estimate]:
    estimates = evaluation.systems.get(label, {})
    return {metric: estimate for metric, estimate in estimates.items() if estimate.n > 0}


def _curve(path: Path) -> Iterator[Metric]:
    """Yield the columns of a training curve as ``train/COLUMN`` by step; a cell may be empty."""
    if not path.exists():
        return
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            step = int(float(row.pop("step")))
            for column, cell in row.items():
                if cell:
                    yield _metric(f"train/{column}", float(cell), step)


def _metric(name: str, value: float, step: int = 0) -> Metric:
    """Make a metric; MLflow allows no ``@`` or ``+`` in names: ``hit@1`` becomes ``hit_at_1``."""
    return Metric(re.sub(r"[^/\w.\- ]", "_", name.replace("@", "_at_")), value, _now(), step)


def _datasets(state: PipelineState) -> Iterator[DatasetInput]:
    """Yield the data sets with the hashes of their bytes; MLflow's own digests read 10,000 rows only."""
    paths = state.paths
    for key, path, context in (
        ("sft_train", paths.instruct("train"), "training"),
        ("preference_train", paths.preference("train"), "training"),
        ("sft_test", paths.instruct("test"), "testing"),
        ("preference_test", paths.preference("test"), "testing"),
    ):
        if key in state.evaluation.lineage:
            source = json.dumps({"uri": path.relative_to(paths.root).as_posix()})
            digest = state.evaluation.lineage[key][:8]
            yield DatasetInput(
                Dataset(key, digest, "local", source), [InputTag("mlflow.data.context", context)]
            )


def _artifacts(root: Path, state: PipelineState) -> Iterator[tuple[Path, str | None]]:
    """Yield the files worth a look in the UI, and the folder of each."""
    paths = state.paths
    stages = ("evaluate", *state.stage_metrics)
    files: list[tuple[Path, str | None]] = [(paths.metrics(stage), "metrics") for stage in stages]
    files += [(path, None) for path in (paths.params, root / "dvc.lock", paths.predictions)]
    return ((path, place) for path, place in files if path.exists())


def _attach_report(client: MlflowClient, run: Run, state: PipelineState) -> None:
    """Add the report to a state's run, if it shows these results; it is written after they are published."""
    report = state.paths.report
    if not report.exists() or state.evaluation.identity not in report.read_text(encoding="utf-8"):
        return
    digest = file_sha256(report)
    if run.data.tags.get(_REPORT) != digest:
        client.log_artifact(run.info.run_id, str(report), "report")
        client.set_tag(run.info.run_id, _REPORT, digest)


def _register(
    client: MlflowClient, root: Path, params: Params, state: PipelineState, system: System, parent: Run
) -> int | None:
    """Make a system's version the candidate, creating it unless it is there; None without its adapter."""
    name = model_name(state.corpus, system)
    fingerprint = _version_fingerprint(state.evaluation, system)
    if fingerprint is None:
        return None
    aliases = _aliases(client, name)
    version = _version(client, name, fingerprint)
    if version is None:
        if not state.paths.adapter(system).exists():
            return None
        run = _children(client, parent)[system]
        version = _create_version(client, root, params, state, system, run, fingerprint)
    if aliases.get(CANDIDATE) != str(version.version):
        client.set_registered_model_alias(name, CANDIDATE, version.version)
    return int(version.version)


def _version_fingerprint(evaluation: Evaluation, system: System) -> str | None:
    """Identify an adapter and all that gates may read about it, None where it was not evaluated.

    What was measured on other systems is left out, but for the comparisons with them: so a change of
    ``dpo.beta`` makes no new version of the SFT model.
    """
    if f"{system}_adapter" not in evaluation.lineage or system not in evaluation.systems:
        return None
    compared = [
        (item.against, item.metric, item.difference.model_dump())
        for item in evaluation.comparisons
        if item.system == system
    ]
    measured = {metric: estimate.model_dump() for metric, estimate in evaluation.systems[system].items()}
    return content_id(
        json.dumps(system_lineage(system, evaluation), sort_keys=True),
        json.dumps([measured, compared], sort_keys=True),
        evaluation.judge.model_dump_json(),
    )


def _version(client: MlflowClient, name: str, fingerprint: str) -> ModelVersion | None:
    condition = f"name = '{name}' and tags.{_FINGERPRINT} = '{fingerprint}'"
    return next(iter(client.search_model_versions(condition)), None)


def _create_version(
    client: MlflowClient,
    root: Path,
    params: Params,
    state: PipelineState,
    system: System,
    run: Run,
    fingerprint: str,
) -> ModelVersion:
    """Log an adapter, byte by byte as DVC has it, with its card and its evaluation, and register it."""
    name = model_name(state.corpus, system)
    evaluation = state.evaluation
    commit, dirty = git_revision(root)
    lineage = {f"sha256.{key}": value for key, value in system_lineage(system, evaluation).items()}
    tags = metric_tags(system, evaluation) | {
        _FINGERPRINT: fingerprint,
        "corpus": state.corpus,
        "system": system,
        "seed": seed_source(params),
        "judge_valid": str(evaluation.judge.valid).lower(),
        "git_revision": commit,
        "git_dirty": str(dirty).lower(),
        "pipeline_fingerprint": state.fingerprint,
        **lineage,
    }
    condition = f"source_run_id = '{run.info.run_id}'"
    for interrupted in client.search_logged_models([run.info.experiment_id], condition):
        client.delete_logged_model(interrupted.model_id)

    card = model_card(name, system, evaluation, params)
    model = client.create_logged_model(run.info.experiment_id, system, run.info.run_id, tags)
    client.log_model_artifacts(model.model_id, str(state.paths.adapter(system)), "adapter")
    with TemporaryDirectory() as folder:
        write_text(Path(folder, "README.md"), card)
        write_json(Path(folder, "evaluate.json"), evaluation.model_dump())
        client.log_model_artifacts(model.model_id, folder)
    with TemporaryDirectory() as folder:
        arrived = directory_sha256(_download(client, f"{model.artifact_location}/adapter", folder))
    if arrived != evaluation.lineage[f"{system}_adapter"]:
        client.finalize_logged_model(model.model_id, "FAILED")
        raise CharterError(f"{name}: the adapter in MLflow has SHA-256 {arrived}; nothing was registered")
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, step=0)])

    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name, {"corpus": state.corpus, "system": system}, evaluation.title)
    # A list of versions shows a description's first line: not the heading, which is the model's name.
    description = card.partition("\n\n")[2]
    # Not as models:/ID: MLflow would look that up in its process-wide store, whatever this client's is.
    return client.create_model_version(
        name, model.artifact_location, run.info.run_id, tags, description=description, model_id=model.model_id
    )


def _aliases(client: MlflowClient, name: str) -> dict[str, str]:
    models = client.search_registered_models(f"name = '{name}'")
    return {alias: str(number) for model in models for alias, number in model.aliases.items()}


def _recorded_evaluation(client: MlflowClient, version: ModelVersion) -> Evaluation | None:
    location = client.get_model_version_download_uri(version.name, str(version.version))
    with TemporaryDirectory() as folder:
        try:
            return load_evaluation(_download(client, f"{location}/evaluate.json", folder))
        except (MlflowException, OSError):
            return None


def _download(client: MlflowClient, uri: str, folder: str) -> Path:
    return Path(mlflow.artifacts.download_artifacts(uri, dst_path=folder, tracking_uri=client.tracking_uri))


def _artifact_root(root: Path) -> Path:
    return root.resolve() / "mlartifacts"


def _is_server(uri: str) -> bool:
    return urlsplit(uri).scheme in {"http", "https"}


def _now() -> int:
    return int(time.time() * 1000)
