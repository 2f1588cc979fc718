"""Publishing: the runs and the candidates of a corpus."""

from dataclasses import dataclass
from pathlib import Path

from charter.evaluation.results import ALIGNED
from charter.project.params import Params
from charter.registry.arm_runs import publish_arm
from charter.registry.runs import experiment_name, publish_runs
from charter.registry.store import open_store
from charter.registry.versions import model_name, register
from charter.report.arms import measured_arms
from charter.report.pipeline_state import read_state


@dataclass(frozen=True)
class Publication:
    """What MLflow shows of a corpus after publishing it.

    ``versions`` maps registered model to the version that is now its candidate; ``created`` says whether
    the run was written, or was there already.
    """

    experiment: str
    run_id: str
    created: bool
    versions: dict[str, int]


def publish(root: Path, params: Params, corpus: str) -> Publication:
    """Mirror the state of a corpus into MLflow, and register its aligned models as candidates.

    There is one experiment a corpus, in it a run a state, and below that a run a system, with the same
    metric names everywhere. A model version is an adapter with what was measured on it: when neither has
    changed there is no new version. Arms that were compared with this state are below its run too.

    Raises:
        CharterError: The files of the corpus are missing, broken or not of one state (`read_state`), the
            store can't be reached, or what arrived in it is not the adapter that was sent.
    """
    state = read_state(root, params, corpus)
    with open_store(root) as client:
        run, created = publish_runs(client, root, state)
        for arm in measured_arms(params, state.paths, state.evaluation):
            publish_arm(client, run, state, arm)
        versions = {}
        for system in ALIGNED:
            number = register(client, root, params, state, system, run)
            if number is not None:
                versions[model_name(corpus, system)] = number
    return Publication(experiment_name(corpus), run.info.run_id, created, versions)
