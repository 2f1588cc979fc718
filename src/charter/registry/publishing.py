"""Publishing: the runs and the candidates of every corpus."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient

from charter.project.params import Params
from charter.project.paths import ProjectPaths
from charter.registry.runs import publish_runs
from charter.registry.store import open_client
from charter.registry.versions import model_name, register
from charter.report.pipeline_state import ALIGNED, PipelineState, read_state


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
    client = open_client(root)
    return [_publish_state(client, root, params, state) for state in states]


def _publish_state(client: MlflowClient, root: Path, params: Params, state: PipelineState) -> Publication:
    run, experiment, created = publish_runs(client, root, state)
    versions = {}
    for system in ALIGNED:
        number = register(client, root, params, state, system, run)
        if number is not None:
            versions[model_name(state.corpus, system)] = number
    return Publication(state.corpus, experiment, run.info.run_id, created, versions)
