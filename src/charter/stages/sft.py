"""sft: the seed, fine-tuned on the synthetic questions and answers, and on demonstrations beside them."""

from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Chunk, Demonstration, InstructExample
from charter.project.storage import read_rows
from charter.training.fine_tuning import SftRows, train_sft


def run(params: Params, paths: CorpusPaths) -> dict[str, float]:
    """Write the adapter and the curve of ``sft``; return its metrics, and rows used by kind."""
    rows = SftRows(
        train=read_rows(paths.instruct("train"), InstructExample),
        validation=read_rows(paths.instruct("validation"), InstructExample),
        demonstrations=read_rows(paths.demonstrations, Demonstration),
    )
    return train_sft(rows, read_rows(paths.chunks, Chunk), params, paths)
