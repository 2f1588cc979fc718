"""The training of sft: on the document's questions, some with passages in view, and on demonstrations."""

from collections.abc import Sequence
from dataclasses import dataclass

from charter.project.devices import resolve_device
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Chunk, Demonstration, InstructExample
from charter.project.storage import read_rows
from charter.retrieval.encoder import Encoder
from charter.retrieval.index import load_index
from charter.training.examples import OpenBookExample
from charter.training.fine_tuning import train_on_answers
from charter.training.launch import launch
from charter.training.open_book import open_book_examples


@dataclass(frozen=True)
class SftRows:
    """What sft is trained on; ``validation`` is evaluated after each epoch."""

    train: list[InstructExample]
    validation: list[InstructExample]
    demonstrations: list[Demonstration]


def read_sft_rows(paths: CorpusPaths) -> SftRows:
    """Read what synthesize and demonstrations wrote for sft."""
    return SftRows(
        train=read_rows(paths.instruct("train"), InstructExample),
        validation=read_rows(paths.instruct("validation"), InstructExample),
        demonstrations=read_rows(paths.demonstrations, Demonstration),
    )


def train_sft(rows: SftRows, params: Params, paths: CorpusPaths) -> dict[str, float]:
    """Train the ``sft`` adapter in compute.processes processes, on questions with passages in view too.

    Returns:
        The metrics of `train_on_answers`, and how many rows were of which kind.

    Raises:
        CharterError: As `train_on_answers`, or the index or the encoder is missing.
    """
    open_book = _open_book(rows.train, params, paths)
    metrics = launch(
        params.compute.processes,
        train_on_answers,
        *(rows.train, rows.validation, params, paths, rows.demonstrations, open_book),
    )
    return metrics | {
        "open_book_examples": len(open_book),
        "demonstration_examples": len(rows.demonstrations),
    }


def _open_book(rows: Sequence[InstructExample], params: Params, paths: CorpusPaths) -> list[OpenBookExample]:
    settings = params.sft.open_book
    if settings.right == settings.wrong == 0:
        return []
    index = load_index(paths.index, Encoder(paths.encoder, resolve_device(params.compute)), params.retrieval)
    return open_book_examples(rows, read_rows(paths.chunks, Chunk), index, settings, params.seed)
