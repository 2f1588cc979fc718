"""sft: the seed, fine-tuned on the synthetic questions and answers, and on demonstrations beside them."""

from charter.project.devices import resolve_device
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Chunk, Demonstration, InstructExample
from charter.project.storage import read_rows
from charter.retrieval.encoder import Encoder
from charter.retrieval.index import load_index
from charter.training.fine_tuning import train_on_answers
from charter.training.launch import launch
from charter.training.open_book import DISTRACTORS, OpenBookExample, open_book_examples


def run(params: Params, paths: CorpusPaths) -> dict[str, float]:
    """Write the adapter and the curve of ``sft``; return its metrics."""
    train, validation = (
        read_rows(paths.instruct(split), InstructExample) for split in ("train", "validation")
    )
    demonstrations = read_rows(paths.demonstrations, Demonstration)
    open_book = with_passages(train, params, paths)
    return launch(
        params.compute.processes,
        train_on_answers,
        train,
        validation,
        params,
        paths,
        demonstrations,
        open_book,
    )


def with_passages(train: list[InstructExample], params: Params, paths: CorpusPaths) -> list[OpenBookExample]:
    """Put the shares ``sft.open_book`` of the rows with passages, as retrieval finds them."""
    settings, shown = params.sft.open_book, params.retrieval.passages
    if not settings.right and not settings.wrong:
        return []
    chunks = {chunk.id: chunk for chunk in read_rows(paths.chunks, Chunk)}
    encoder = Encoder(paths.encoder, resolve_device(params.compute))
    index = load_index(paths.index, encoder, params.retrieval.method)
    found = index.search([row.question for row in train], shown + DISTRACTORS)
    return open_book_examples(train, found, chunks, settings, shown, params.seed)
