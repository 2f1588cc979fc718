"""Runs: a state is a run with everything, and below it a run for each system."""

import json
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run
from mlflow.tracing.constant import TraceTagKey

from charter.evaluation.results import ALIGNED, Estimate, Evaluation
from charter.project.errors import CharterError
from charter.project.metric_names import METRICS, SYSTEMS, system_label
from charter.project.records import System
from charter.project.storage import file_sha256
from charter.registry.datasets import data_sets, measured_on
from charter.registry.prompts import prompt_hashes, register_prompts
from charter.registry.store import artifact_location
from charter.report.curves import read_curve
from charter.report.pipeline_state import PipelineState, git_revision

_FINGERPRINT = "fingerprint"
_REPORT = "sha256.report"
PARENT = "mlflow.parentRunId"
Figure = tuple[str, float, int]
"""A metric's name, value and step."""

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
    experiment_id = find_experiment(client, root, state.corpus, state.evaluation.title)
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


def find_experiment(client: MlflowClient, root: Path, corpus: str, title: str) -> str:
    """Return the id of a corpus's experiment, which is made if it isn't there; ``title`` is the documents'.

    Raises:
        CharterError: The experiment was deleted.
    """
    name = experiment_name(corpus)
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        tags = {
            "mlflow.note.content": f"Alignment with: {title}",
            "mlflow.experimentKind": "custom_model_development",
        }
        return client.create_experiment(name, artifact_location(root, corpus), tags)
    if experiment.lifecycle_stage != "active":
        raise CharterError(
            f"the MLflow experiment {name} was deleted; restore it, or purge it with `mlflow gc`"
        )
    return experiment.experiment_id


def _discard_interrupted(client: MlflowClient, experiment_id: str, fingerprint: str) -> None:
    """Delete runs whose writing was cut off: those of this state, and others' when surely not under way."""
    long_ago = time.time() * 1000 - _INTERRUPTED_AFTER_MS
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
        TraceTagKey.LINKED_PROMPTS: json.dumps(register_prompts(client)),
        **prompt_hashes(),
        **provenance_tags(evaluation.lineage, evaluation.settings),
    }
    parent = client.create_run(experiment_id, tags=tags | own, run_name=name)
    log(client, parent, _pipeline_metrics(state), state.params)
    client.log_inputs(parent.info.run_id, data_sets(root, state))
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
            metrics += curve_figures(state.paths.curve(system))
        log(client, child, metrics, state.params)
        client.log_inputs(child.info.run_id, data_sets(root, state, system))
        client.set_terminated(child.info.run_id)
    client.set_terminated(parent.info.run_id)
    return parent


def provenance_tags(lineage: dict[str, str], settings: dict[str, str]) -> dict[str, str]:
    """Return what results were made from, and what they depend on, as tags of a run or a version."""
    groups = {"sha256": lineage, "settings": settings}
    return {f"{group}.{key}": value for group, values in groups.items() for key, value in values.items()}


def link_figures(
    client: MlflowClient, run: Run, evaluation: Evaluation, system: System, model_id: str
) -> None:
    """Give a logged model the figures of its system's run, each with the data set that it was measured on.

    The run itself gets nothing twice: they are its own figures, to the millisecond.
    """
    inputs = client.get_run(run.info.run_id).inputs
    data_inputs = inputs.dataset_inputs if inputs else ()
    metrics = []
    for key, value, step in _system_metrics(evaluation, system):
        data = measured_on(key, data_inputs)
        place = (data.name, data.digest) if data else (None, None)
        metrics.append(Metric(key, value, run.info.start_time, step, model_id, *place))
    _log_metrics(client, run, metrics)


def log(client: MlflowClient, run: Run, figures: Iterable[Figure], params: dict[str, str]) -> None:
    """Write figures, which bear the run's time of start, and parameters."""
    _log_metrics(client, run, [Metric(key, value, run.info.start_time, step) for key, value, step in figures])
    entities = [Param(key, value) for key, value in params.items()]
    for start in range(0, len(entities), _PARAMS_A_BATCH):
        client.log_batch(run.info.run_id, params=entities[start : start + _PARAMS_A_BATCH])


def _log_metrics(client: MlflowClient, run: Run, metrics: list[Metric]) -> None:
    for start in range(0, len(metrics), _METRICS_A_BATCH):
        client.log_batch(run.info.run_id, metrics=metrics[start : start + _METRICS_A_BATCH])


def _pipeline_metrics(state: PipelineState) -> Iterator[Figure]:
    """Yield the headline, as ``aligned/dpo.bleu``, and what every stage measured, as ``stage/metric``.

    What is before the slash is a section of MLflow's charts; they are in alphabetical order.
    """
    for system in ALIGNED:
        for metric, estimate in measured(state.evaluation, system).items():
            yield _figure(f"aligned/{system}.{metric}", estimate.value)
    for stage, metrics in state.stage_metrics.items():
        for key, value in metrics.items():
            yield _figure(f"{stage}/{key}", value)


def _system_metrics(evaluation: Evaluation, label: str) -> Iterator[Figure]:
    """Yield a system's figures under plain names, each interval as ``_low`` and ``_high``."""
    figures = dict(measured(evaluation, label))
    if "win_rate" in figures:
        figures["judge_validity"] = evaluation.judge.shuffled
    yield from with_intervals(figures)
    if label in evaluation.win_rates:
        yield _figure("win_rate_length_controlled", evaluation.win_rates[label].length_controlled)
        yield _figure("judge_valid", float(evaluation.judge.valid))
    for name, judge in evaluation.further_judges.items():
        if label in judge.estimates:
            yield _figure(f"win_rate_by_{name}", judge.estimates[label].value)
            yield _figure(f"judge_valid_{name}", float(judge.validity.valid))
    counts = [estimate.n for metric, estimate in figures.items() if metric in METRICS]
    yield _figure("questions", max(counts, default=0))


def curve_figures(path: Path) -> Iterator[Figure]:
    """Yield the columns of a training curve as ``train/COLUMN`` by step."""
    curve = read_curve(path) if path.exists() else {}
    for column in curve.keys() - {"step"}:
        for step, value in zip(curve["step"], curve[column], strict=True):
            if step is not None and value is not None:
                yield _figure(f"train/{column}", value, int(step))


def with_intervals(figures: Mapping[str, Estimate]) -> Iterator[Figure]:
    """Yield figures under plain names, each interval as ``_low`` and ``_high``."""
    for metric, estimate in figures.items():
        yield _figure(metric, estimate.value)
        if estimate.low is not None and estimate.high is not None:
            yield _figure(f"{metric}_low", estimate.low)
            yield _figure(f"{metric}_high", estimate.high)


def _figure(name: str, value: float, step: int = 0) -> Figure:
    """Name a figure; MLflow allows no ``@`` or ``+`` in names: ``hit@1`` becomes ``hit_at_1``."""
    return re.sub(r"[^/\w.\- ]", "_", name.replace("@", "_at_")), value, step


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
