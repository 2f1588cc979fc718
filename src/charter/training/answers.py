"""The training of sft: on the document's questions, some with passages in view, and on demonstrations."""

from dataclasses import dataclass

from charter.documents.corpus_language import main_language
from charter.project.devices import resolve_device
from charter.project.exercise_records import ExerciseDocument
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Chunk, Demonstration, InstructExample
from charter.project.storage import read_rows
from charter.retrieval.encoder import Encoder
from charter.retrieval.index import load_index
from charter.training.examples import OpenBookExample
from charter.training.exercises import exercise_examples, read_exercises
from charter.training.fine_tuning import train_on_answers
from charter.training.launch import launch
from charter.training.open_book import open_book_examples


@dataclass(frozen=True)
class SftRows:
    """What sft is trained on; ``validation`` is evaluated after each epoch."""

    train: list[InstructExample]
    validation: list[InstructExample]
    demonstrations: list[Demonstration]
    exercises: list[ExerciseDocument]


def read_sft_rows(paths: CorpusPaths) -> SftRows:
    """Read what synthesize and demonstrations wrote for sft, and the exercises of the document's language."""
    language = main_language(chunk.language for chunk in read_rows(paths.chunks, Chunk))
    return SftRows(
        train=read_rows(paths.instruct("train"), InstructExample),
        validation=read_rows(paths.instruct("validation"), InstructExample),
        demonstrations=read_rows(paths.demonstrations, Demonstration),
        exercises=read_exercises(paths.exercises(language)),
    )


def train_sft(rows: SftRows, params: Params, paths: CorpusPaths) -> dict[str, float]:
    """Train the ``sft`` adapter in compute.processes processes, on questions with passages in view too.

    Returns:
        The metrics of `train_on_answers`, and how many rows were of which kind.

    Raises:
        CharterError: As `train_on_answers`, or the index or the encoder is missing.
    """
    open_book, exercises = _open_book(rows, params, paths)
    metrics = launch(
        params.compute.processes,
        train_on_answers,
        *(rows.train, rows.validation, params, paths, rows.demonstrations, [*open_book, *exercises]),
    )
    return metrics | {
        "open_book_examples": len(open_book),
        "exercise_examples": len(exercises),
        "demonstration_examples": len(rows.demonstrations),
    }


def _open_book(
    rows: SftRows, params: Params, paths: CorpusPaths
) -> tuple[list[OpenBookExample], list[OpenBookExample]]:
    """Return the document's questions with passages in view, and exercises."""
    settings = params.sft.open_book
    if settings.right == settings.wrong == settings.exercises == 0:
        return [], []
    encoder = Encoder(paths.encoder, resolve_device(params.compute))
    chunks = read_rows(paths.chunks, Chunk)
    index = load_index(paths.index, encoder, params.retrieval)
    language = main_language(chunk.language for chunk in chunks)
    return (
        open_book_examples(rows.train, chunks, index, settings, params.seed),
        exercise_examples(rows.exercises, language, settings, encoder, params.seed),
    )
