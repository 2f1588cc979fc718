"""Registered models: a version is an adapter with what was measured on it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow.artifacts
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput, Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from charter.evaluation.results import Evaluation, load_evaluation
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.records import System, content_id
from charter.project.storage import directory_sha256, write_json, write_text
from charter.registry.runs import children, measured, provenance_tags
from charter.report.model_card import model_card, source_name, system_lineage
from charter.report.pipeline_state import PipelineState, git_revision

CANDIDATE = "candidate"
CHAMPION = "champion"

_HISTORY = "previous_champions"
_FINGERPRINT = "fingerprint"


@dataclass(frozen=True)
class RegisteredVersion:
    """A version of a registered model; ``evaluation`` was recorded with it, None where nothing was."""

    model: str
    number: int
    tags: dict[str, str]
    evaluation: Evaluation | None


def model_name(corpus: str, system: System) -> str:
    """Name the registered model of an aligned system: ``charter-udhr``, and ``charter-udhr.sft`` for SFT."""
    return f"charter-{corpus}" if system == "dpo" else f"charter-{corpus}.{system}"


def load_version(client: MlflowClient, name: str, alias: str) -> RegisteredVersion | None:
    """Return the version of a registered model that an alias names, None where there is none."""
    number = _aliases(client, name).get(alias)
    if number is None:
        return None
    version = client.get_model_version(name, number)
    return RegisteredVersion(name, int(number), version.tags, _recorded_evaluation(client, version))


def champion_history(client: MlflowClient, name: str) -> list[int]:
    """Return the versions that were champion before the present one, oldest first, that still exist."""
    recorded = client.get_registered_model(name).tags.get(_HISTORY, "")
    existing = {str(version.version) for version in client.search_model_versions(f"name = '{name}'")}
    return [int(number) for number in recorded.split(",") if number in existing]


def record_history(client: MlflowClient, name: str, numbers: Sequence[int]) -> None:
    """Remember which versions were champion before the present one, oldest first."""
    client.set_registered_model_tag(name, _HISTORY, ",".join(map(str, numbers)))


def move_champion(client: MlflowClient, name: str, present: int | None, number: int) -> None:
    """Move the champion's alias from the version ``present``, None for none, to another.

    A tracking server has no lock for this, so it is looked at before and after.

    Raises:
        CharterError: Another version was made champion meanwhile.
    """
    _expect_champion(client, name, present)
    client.set_registered_model_alias(name, CHAMPION, str(number))
    _expect_champion(client, name, number)


def _expect_champion(client: MlflowClient, name: str, number: int | None) -> None:
    found = _aliases(client, name).get(CHAMPION)
    if found != (None if number is None else str(number)):
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
    found = client.search_model_versions(f"name = '{name}' and tags.{_FINGERPRINT} = '{fingerprint}'")
    if not found and not state.paths.adapter(system).exists():
        return None
    version = found[0] if found else _create_version(client, root, params, state, system, parent, fingerprint)
    if _aliases(client, name).get(CANDIDATE) != str(version.version):
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
    figures = {metric: estimate.model_dump() for metric, estimate in evaluation.systems[system].items()}
    return content_id(
        json.dumps(system_lineage(system, evaluation), sort_keys=True),
        json.dumps([figures, compared], sort_keys=True),
        evaluation.judge.model_dump_json(),
    )


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
    for interrupted in client.search_logged_models([run.info.experiment_id], condition):
        client.delete_logged_model(interrupted.model_id)

    card = model_card(name, system, evaluation, params, state.stage_metrics)
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
    # A list of versions shows a description's first line: neither front matter nor the model's name again.
    # Servers keep 5,000 characters; the whole card lies beside the adapter.
    description = card.partition(f"# {name}\n\n")[2].partition("\n## Safety")[0]
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
