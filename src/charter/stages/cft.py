"""cft: the seed, trained on as a language model of the documents' raw text; the baseline of the paper."""

from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Chunk
from charter.project.storage import read_rows
from charter.training.fine_tuning import train_on_text
from charter.training.launch import launch


def run(params: Params, paths: CorpusPaths) -> dict[str, float]:
    """Write the adapter and the curve of ``cft``; return its metrics."""
    chunks = read_rows(paths.chunks, Chunk)
    return launch(params.compute.processes, train_on_text, chunks, params, paths)
