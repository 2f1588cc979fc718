"""sft: the seed, fine-tuned on the synthetic questions and answers, and on demonstrations beside them."""

from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Chunk, Demonstration, InstructExample
from charter.project.storage import read_rows
from charter.training.fine_tuning import train_on_answers
from charter.training.launch import launch
from charter.training.open_book import open_book_examples


def run(params: Params, paths: CorpusPaths) -> dict[str, float]:
    """Write the adapter and the curve of ``sft``; return its metrics, and rows used by kind."""
    train, validation = (
        read_rows(paths.instruct(split), InstructExample) for split in ("train", "validation")
    )
    demonstrations = read_rows(paths.demonstrations, Demonstration)
    open_book = open_book_examples(train, read_rows(paths.chunks, Chunk), params.sft.open_book, params.seed)
    metrics = launch(
        params.compute.processes,
        train_on_answers,
        *(train, validation, params, paths, demonstrations, open_book),
    )
    return metrics | {
        "open_book_examples": len(open_book),
        "demonstration_examples": len(demonstrations),
    }
