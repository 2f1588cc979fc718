"""Runs: a state is a run with everything, and below it a run for each system."""

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run

from charter.evaluation.results import ALIGNED, Estimate, Evaluation
from charter.project.errors import CharterError
from charter.project.metric_names import METRICS, SYSTEMS, system_label
from charter.project.storage import file_sha256
from charter.registry.store import artifact_location
from charter.report.curves import read_curve
from charter.report.pipeline_state import PipelineState, git_revision

_FINGERPRINT = "fingerprint"
_REPORT = "sha256.report"
PARENT = "mlflow.parentRunId"
_INTERRUPTED_AFTER_MS = 3600 * 1000
_METRICS_A_BATCH = 800
_PARAMS_A_BATCH = 100


def experiment_name(corpus: str) -> str:
    """Name the experiment of a corpus."""
    return f"charter/{corpus}"


def publish_runs(client: MlflowClient, root: Path, state: PipelineState) -> tuple[Run, bool]:
    """Write the runs of a state, unless they are there, and add its report.

    Returns:
        The state's run, and whether it was written now.

    Raises:
        CharterError: The experiment was deleted.
    """
    experiment_id = _experiment(client, root, state)
    # A run is FINISHED only when everything was written: see _write_runs.
    condition = f"tags.{_FINGERPRINT} = '{state.fingerprint}' and attributes.status = 'FINISHED'"
    found = client.search_runs([experiment_id], condition)
    if not found:
        _discard_interrupted(client, experiment_id, state.fingerprint)
    run = found[0] if found else _write_runs(client, root, experiment_id, state)
    _attach_report(client, run, state)
    return run, not found


def children(client: MlflowClient, parent: Run) -> dict[str, Run]:
    """Return the runs below a state's run by their systems' labels."""
    condition = f"tags.{PARENT} = '{parent.info.run_id}'"
    runs = client.search_runs([parent.info.experiment_id], condition)
    return {run.data.tags["label"]: run for run in runs}


def measured(evaluation: Evaluation, label: str) -> dict[str, Estimate]:
    """Return the figures of a system that rest on any item."""
    estimates = evaluation.systems.get(label, {})
    return {metric: estimate for metric, estimate in estimates.items() if estimate.n > 0}


def _experiment(client: MlflowClient, root: Path, state: PipelineState) -> str:
    name = experiment_name(state.corpus)
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        tags = {
            "mlflow.note.content": f"Alignment with: {state.evaluation.title}",
            "mlflow.experimentKind": "custom_model_development",
        }
        return client.create_experiment(name, artifact_location(root, state.corpus), tags)
    if experiment.lifecycle_stage != "active":
        raise CharterError(
            f"the MLflow experiment {name} was deleted; restore it, or purge it with `mlflow gc`"
        )
    return experiment.experiment_id


def _discard_interrupted(client: MlflowClient, experiment_id: str, fingerprint: str) -> None:
    """Delete runs whose writing was cut off: those of this state, and others' when surely not under way."""
    long_ago = _now() - _INTERRUPTED_AFTER_MS
    for run in client.search_runs([experiment_id], "attributes.status = 'RUNNING'"):
        parent = run.data.tags.get(_FINGERPRINT)
        if parent is not None and (parent == fingerprint or run.info.start_time < long_ago):
            for written in (*children(client, run).values(), run):
                client.delete_run(written.info.run_id)


def _write_runs(client: MlflowClient, root: Path, experiment_id: str, state: PipelineState) -> Run:
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
    own = {
        _FINGERPRINT: state.fingerprint,
        "label": "pipeline",
        **provenance_tags(evaluation.lineage, evaluation.settings),
    }
    parent = client.create_run(experiment_id, tags=tags | own, run_name=name)
    _log(client, parent, list(_pipeline_metrics(state)), state.params)
    client.log_inputs(parent.info.run_id, list(_datasets(state)))
    for path, place in _artifacts(root, state):
        client.log_artifact(parent.info.run_id, str(path), place)

    for system, rag in SYSTEMS:
        label = system_label(system, rag)
        if label not in evaluation.systems:
            continue
        identity = {"label": label, "system": system, "rag": str(rag).lower(), PARENT: parent.info.run_id}
        child = client.create_run(experiment_id, tags=tags | identity, run_name=f"{label} {state.corpus}")
        metrics = list(_system_metrics(evaluation, label))
        if not rag:
            metrics += _curve(state.paths.curve(system))
        _log(client, child, metrics, state.params)
        client.set_terminated(child.info.run_id)
    client.set_terminated(parent.info.run_id)
    return parent


def provenance_tags(lineage: dict[str, str], settings: dict[str, str]) -> dict[str, str]:
    """Return what results were made from, and what they depend on, as tags of a run or a version."""
    groups = {"sha256": lineage, "settings": settings}
    return {f"{group}.{key}": value for group, values in groups.items() for key, value in values.items()}


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
        for metric, estimate in measured(state.evaluation, system).items():
            yield _metric(f"aligned/{system}.{metric}", estimate.value)
    for stage, metrics in state.stage_metrics.items():
        for key, value in metrics.items():
            yield _metric(f"{stage}/{key}", value)


def _system_metrics(evaluation: Evaluation, label: str) -> Iterator[Metric]:
    """Yield a system's figures under plain names, each interval as ``_low`` and ``_high``."""
    figures = dict(measured(evaluation, label))
    if "win_rate" in figures:
        figures["judge_validity"] = evaluation.judge.shuffled
    for metric, estimate in figures.items():
        yield _metric(metric, estimate.value)
        if estimate.low is not None and estimate.high is not None:
            yield _metric(f"{metric}_low", estimate.low)
            yield _metric(f"{metric}_high", estimate.high)
    if label in evaluation.win_rates:
        yield _metric("win_rate_length_controlled", evaluation.win_rates[label].length_controlled)
        yield _metric("judge_valid", float(evaluation.judge.valid))
    for name, judge in evaluation.further_judges.items():
        if label in judge.estimates:
            yield _metric(f"win_rate_by_{name}", judge.estimates[label].value)
            yield _metric(f"judge_valid_{name}", float(judge.validity.valid))
    counts = [estimate.n for metric, estimate in figures.items() if metric in METRICS]
    yield _metric("questions", max(counts, default=0))


def _curve(path: Path) -> Iterator[Metric]:
    """Yield the columns of a training curve as ``train/COLUMN`` by step."""
    curve = read_curve(path) if path.exists() else {}
    for column in curve.keys() - {"step"}:
        for step, value in zip(curve["step"], curve[column], strict=True):
            if step is not None and value is not None:
                yield _metric(f"train/{column}", value, int(step))


def _metric(name: str, value: float, step: int = 0) -> Metric:
    """Make a metric; MLflow allows no ``@`` or ``+`` in names: ``hit@1`` becomes ``hit_at_1``."""
    return Metric(re.sub(r"[^/\w.\- ]", "_", name.replace("@", "_at_")), value, _now(), step)


def _datasets(state: PipelineState) -> Iterator[DatasetInput]:
    """Yield the data sets with the hashes of their bytes; MLflow's own digests read 10,000 rows only."""
    paths, lineage = state.paths, state.evaluation.lineage
    for key, path, context in (
        ("sft_train", paths.instruct("train"), "training"),
        ("preference_train", paths.preference("train"), "training"),
        ("sft_test", paths.instruct("test"), "testing"),
        ("preference_test", paths.preference("test"), "testing"),
    ):
        if key in lineage:
            source = json.dumps({"uri": path.relative_to(paths.root).as_posix()})
            dataset = Dataset(key, lineage[key][:8], "local", source)
            yield DatasetInput(dataset, [InputTag("mlflow.data.context", context)])


def _artifacts(root: Path, state: PipelineState) -> Iterator[tuple[Path, str | None]]:
    """Yield the files worth a look in the UI, and the folder of each."""
    paths = state.paths
    for stage in ("evaluate", *state.stage_metrics):
        yield paths.metrics(stage), "metrics"
    for path in (paths.params, root / "dvc.lock", paths.predictions):
        if path.exists():
            yield path, None


def _attach_report(client: MlflowClient, run: Run, state: PipelineState) -> None:
    """Add the report to a state's run, if it shows these results; it is written after they are published."""
    report = state.paths.report
    if not report.exists() or state.evaluation.identity not in report.read_text(encoding="utf-8"):
        return
    digest = file_sha256(report)
    if run.data.tags.get(_REPORT) != digest:
        client.log_artifact(run.info.run_id, str(report), "report")
        client.set_tag(run.info.run_id, _REPORT, digest)


def _now() -> int:
    return int(time.time() * 1000)
