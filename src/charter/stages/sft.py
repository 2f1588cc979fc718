"""sft: the seed, fine-tuned on the synthetic questions and answers, and on demonstrations beside them."""

from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Demonstration, InstructExample
from charter.project.storage import read_rows
from charter.training.fine_tuning import train_on_answers
from charter.training.launch import launch


def run(params: Params, paths: CorpusPaths) -> dict[str, float]:
    """Write the adapter and the curve of ``sft``; return its metrics."""
    train, validation = (
        read_rows(paths.instruct(split), InstructExample) for split in ("train", "validation")
    )
    demonstrations = read_rows(paths.demonstrations, Demonstration)
    return launch(
        params.compute.processes, train_on_answers, train, validation, params, paths, demonstrations
    )
