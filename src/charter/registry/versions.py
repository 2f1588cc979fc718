"""Registered models: a version is an adapter with what was measured on it."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow.artifacts
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput, Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from charter.evaluation.pairing import Scores, scores_by_item
from charter.evaluation.results import Evaluation, load_evaluation
from charter.project.errors import CharterError
from charter.project.metric_names import system_label
from charter.project.params import Params
from charter.project.records import System, content_id
from charter.project.score_records import ItemScore
from charter.project.storage import (
    directory_sha256,
    file_sha256,
    read_rows,
    write_json,
    write_rows,
    write_text,
)
from charter.registry.runs import children, link_figures, measured, provenance_tags
from charter.report.model_card import model_card, source_name, system_lineage
from charter.report.pipeline_state import PipelineState, git_revision, own_scores

CANDIDATE = "candidate"
CHAMPION = "champion"
MODEL_ID = "model_id"

_FINGERPRINT = "fingerprint"
_RECORD = "sha256.evaluation"
_SCORES = "sha256.item_scores"
_SCORES_FILE = "item_scores.jsonl"


def model_name(corpus: str, system: System) -> str:
    """Name the registered model of an aligned system: ``charter-udhr``, and ``charter-udhr.sft`` for SFT."""
    return f"charter-{corpus}" if system == "dpo" else f"charter-{corpus}.{system}"


def all_versions(client: MlflowClient, name: str) -> dict[int, ModelVersion]:
    """Return the versions of a registered model that exist, by number; none where there is no such model."""
    return {int(version.version): version for version in client.search_model_versions(f"name = '{name}'")}


def find_version(client: MlflowClient, name: str, wanted: int | str) -> ModelVersion | None:
    """Return the version of a registered model with a number or an alias, None where there is none."""
    number = wanted if isinstance(wanted, int) else _aliases(client, name).get(wanted)
    return None if number is None else all_versions(client, name).get(number)


def recorded_evaluation(client: MlflowClient, version: ModelVersion, system: System) -> Evaluation:
    """Return what was measured on a version, as it was recorded when it was registered.

    Raises:
        CharterError: There is no such record, it has another shape or was changed, or tags contradict it.
    """
    name = f"{version.name} version {version.version}"
    with TemporaryDirectory() as folder:
        try:
            record = download(client, f"{version.source}/evaluate.json", folder)
        except FileNotFoundError as error:
            raise CharterError(
                f"{name} has no evaluate.json recorded with it: it was not published by Charter"
            ) from error
        if file_sha256(record) != version.tags.get(_RECORD, file_sha256(record)):
            raise CharterError(f"{name}: its evaluate.json was changed after it was registered")
        try:
            evaluation = load_evaluation(record)
        except CharterError as error:
            raise CharterError(f"{name}: its evaluate.json is of another version of Charter") from error
    adapter = {"sha256.adapter": evaluation.lineage.get(f"{system}_adapter")}
    for tag, value in (adapter | metric_tags(system, evaluation)).items():
        if version.tags.get(tag) != value:
            raise CharterError(
                f"{name}: its tag {tag} is {version.tags.get(tag)}, but the evaluation recorded with it "
                f"says {value}"
            )
    return evaluation


def recorded_scores(client: MlflowClient, version: ModelVersion) -> Scores | None:
    """Return what a version scored, item by item; None where it was registered before that was recorded.

    Raises:
        CharterError: The record is missing, was changed, or has another shape.
    """
    recorded = version.tags.get(_SCORES)
    if recorded is None:
        return None
    name = f"{version.name} version {version.version}"
    with TemporaryDirectory() as folder:
        try:
            record = download(client, f"{version.source}/{_SCORES_FILE}", folder)
        except FileNotFoundError as error:
            raise CharterError(f"{name}: its {_SCORES_FILE} can't be read from MLflow") from error
        if file_sha256(record) != recorded:
            raise CharterError(f"{name}: its {_SCORES_FILE} was changed after it was registered")
        return scores_by_item(read_rows(record, ItemScore))


def move_champion(client: MlflowClient, name: str, present: int | None, number: int) -> None:
    """Move the champion's alias from the version ``present``, None for none, to another.

    Who moves it in MLflow itself waits for nobody, so it is looked at before and after.

    Raises:
        CharterError: Another version was made champion meanwhile.
    """
    _expect_champion(client, name, present)
    client.set_registered_model_alias(name, CHAMPION, str(number))
    _expect_champion(client, name, number)


def _expect_champion(client: MlflowClient, name: str, number: int | None) -> None:
    found = _aliases(client, name).get(CHAMPION)
    if found != number:
        raise CharterError(
            f"{name}: version {found or 'none'} was made champion at the same time; look at it and run again"
        )


def metric_tags(system: System, evaluation: Evaluation) -> dict[str, str]:
    """Return the figures of a system without RAG as the tags of its versions."""
    return {metric: f"{estimate.value:.4f}" for metric, estimate in measured(evaluation, system).items()}


def register(
    client: MlflowClient, root: Path, params: Params, state: PipelineState, system: System, parent: Run
) -> int | None:
    """Make a system's version the candidate, creating it unless it is there; None without its adapter."""
    name = model_name(state.corpus, system)
    fingerprint = _version_fingerprint(state.evaluation, system)
    if fingerprint is None:
        return None
    same = client.search_model_versions(f"name = '{name}' and tags.{_FINGERPRINT} = '{fingerprint}'")
    found = [version for version in same if _is_readable(client, version, system, state.evaluation)]
    if not found and not state.paths.adapter(system).exists():
        return None
    version = found[0] if found else _create_version(client, root, params, state, system, parent, fingerprint)
    number = int(version.version)
    if _aliases(client, name).get(CANDIDATE) != number:
        client.set_registered_model_alias(name, CANDIDATE, str(number))
    return number


def _is_readable(client: MlflowClient, version: ModelVersion, system: System, evaluation: Evaluation) -> bool:
    """Say whether a version has all that its state can give it to be judged by."""
    try:
        recorded_evaluation(client, version, system)
        return recorded_scores(client, version) is not None or evaluation.item_scores is None
    except CharterError:
        return False


def _version_fingerprint(evaluation: Evaluation, system: System) -> str | None:
    """Identify an adapter and all that gates may read about it, None where it was not evaluated.

    What was measured on other systems is left out, but for the comparisons with them: so a change of
    ``dpo.beta`` makes no new version of the SFT model.
    """
    if f"{system}_adapter" not in evaluation.lineage or system not in evaluation.systems:
        return None
    own = (system, system_label(system, True))
    compared = [
        (
            item.system,
            item.against,
            item.metric,
            item.difference.model_dump(),
            item.ratio and item.ratio.model_dump(),
        )
        for item in evaluation.comparisons
        if item.system in own
    ]
    figures = [
        (label, metric, estimate.model_dump())
        for label in own
        for metric, estimate in evaluation.systems.get(label, {}).items()
    ]
    return content_id(
        json.dumps(system_lineage(system, evaluation), sort_keys=True),
        json.dumps([figures, compared], sort_keys=True),
        evaluation.judge.model_dump_json(),
        *_further_verdicts(evaluation, own),
    )


def _further_verdicts(evaluation: Evaluation, labels: Sequence[str]) -> Iterator[str]:
    for name, judge in evaluation.further_judges.items():
        rates = [judge.estimates[label].model_dump() for label in labels if label in judge.estimates]
        yield json.dumps([name, judge.validity.model_dump(), rates])


def _create_version(
    client: MlflowClient,
    root: Path,
    params: Params,
    state: PipelineState,
    system: System,
    parent: Run,
    fingerprint: str,
) -> ModelVersion:
    """Log an adapter, byte by byte as DVC has it, with its card and its evaluation, and register it."""
    name, run = model_name(state.corpus, system), children(client, parent)[system]
    evaluation = state.evaluation
    commit, dirty = git_revision(root)
    tags = {
        **metric_tags(system, evaluation),
        **provenance_tags(system_lineage(system, evaluation), evaluation.settings),
        _FINGERPRINT: fingerprint,
        "corpus": state.corpus,
        "system": system,
        "seed": source_name(params.base_models.seed),
        "judge_valid": str(evaluation.judge.valid).lower(),
        "git_revision": commit,
        "git_dirty": str(dirty).lower(),
        "pipeline_fingerprint": state.fingerprint,
    }
    condition = f"source_run_id = '{run.info.run_id}'"
    registered = {version.source for version in all_versions(client, name).values()}
    for logged in client.search_logged_models([run.info.experiment_id], condition):
        if logged.artifact_location not in registered:  # its publication was cut off
            client.delete_logged_model(logged.model_id)

    card = model_card(name, system, evaluation, params, state.stage_metrics)
    model = client.create_logged_model(run.info.experiment_id, system, run.info.run_id, tags)
    client.log_model_artifacts(model.model_id, str(state.paths.adapter(system)), "adapter")
    with TemporaryDirectory() as folder:
        write_text(Path(folder, "README.md"), card)
        record = Path(folder, "evaluate.json")
        write_json(record, evaluation.model_dump())
        tags |= {_RECORD: file_sha256(record), MODEL_ID: model.model_id}
        if (rows := own_scores(state, system)) is not None:
            scores = Path(folder, _SCORES_FILE)
            write_rows(scores, rows)
            tags[_SCORES] = file_sha256(scores)
        client.log_model_artifacts(model.model_id, folder)
    with TemporaryDirectory() as folder:
        arrived = directory_sha256(download(client, f"{model.artifact_location}/adapter", folder))
    if arrived != evaluation.lineage[f"{system}_adapter"]:
        client.finalize_logged_model(model.model_id, "FAILED")
        raise CharterError(f"{name}: the adapter in MLflow has SHA-256 {arrived}; nothing was registered")
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, step=0)])
    link_figures(client, run, evaluation, system, model.model_id)

    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name, {"corpus": state.corpus, "system": system}, evaluation.title)
    # A list of versions shows a description's first line: neither front matter nor the model's name again.
    # Servers keep 5,000 characters; the whole card lies beside the adapter.
    description = card.partition(f"# {name}\n\n")[2].partition("\n## Safety")[0]
    # Not as models:/ID: MLflow would look that up in its process-wide store, whatever this client's is.
    return client.create_model_version(
        name, model.artifact_location, run.info.run_id, tags, description=description, model_id=model.model_id
    )


def _aliases(client: MlflowClient, name: str) -> dict[str, int]:
    models = client.search_registered_models(f"name = '{name}'")
    return {alias: int(number) for model in models for alias, number in model.aliases.items()}


def download(client: MlflowClient, uri: str, folder: str) -> Path:
    """Download a file or folder of the store into ``folder``, and return where it is.

    Raises:
        FileNotFoundError: It isn't there.
        MlflowException, OSError: The store can't be reached, or refused.
    """
    store = client.tracking_uri
    try:
        return Path(mlflow.artifacts.download_artifacts(uri, dst_path=folder, tracking_uri=store))
    except (MlflowException, OSError) as error:
        # A server's reason for a file it didn't give is lost in MLflow's text; a listing fails with its own.
        parent, _, name = uri.rpartition("/")
        listed = mlflow.artifacts.list_artifacts(parent, tracking_uri=store)
        if name in {Path(item.path).name for item in listed}:
            raise
        raise FileNotFoundError(f"{uri} isn't there") from error
