"""dpo: the SFT model, optimised towards the responses that follow the document."""

from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import PreferencePair
from charter.project.storage import read_rows
from charter.training.launch import launch
from charter.training.preference import train_on_preferences


def run(params: Params, paths: CorpusPaths) -> dict[str, float]:
    """Write the adapter and the curve of ``dpo``; return its metrics."""
    train, validation = (
        read_rows(paths.preference(split), PreferencePair) for split in ("train", "validation")
    )
    return launch(params.compute.processes, train_on_preferences, train, validation, params, paths)
