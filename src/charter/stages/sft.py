"""sft: the seed, fine-tuned on the synthetic questions and answers, and on demonstrations beside them."""

from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.training.answers import read_sft_rows, train_sft


def run(params: Params, paths: CorpusPaths) -> dict[str, float]:
    """Write the adapter and the curve of ``sft``; return its metrics, and rows used by kind."""
    return train_sft(read_sft_rows(paths), params, paths)
