"""sft: the seed, fine-tuned on the synthetic questions and answers, and on demonstrations beside them."""

from collections.abc import Sequence

from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Chunk, Demonstration, InstructExample, PreferencePair
from charter.project.storage import read_rows
from charter.training.fine_tuning import train_on_answers
from charter.training.launch import launch
from charter.training.open_book import open_book_examples


def run(params: Params, paths: CorpusPaths) -> dict[str, float]:
    """Write the adapter and the curve of ``sft``; return its metrics, and rows used by kind."""
    settings = params.sft
    train, validation = (
        read_rows(paths.instruct(split), InstructExample) for split in ("train", "validation")
    )
    chosen = _chosen(read_rows(paths.preference("train"), PreferencePair), train) if settings.chosen else []
    rows = [*train, *chosen]
    demonstrations = read_rows(paths.demonstrations, Demonstration)
    open_book = open_book_examples(rows, read_rows(paths.chunks, Chunk), settings.open_book, params.seed)
    metrics = launch(
        params.compute.processes,
        train_on_answers,
        *(rows, validation, params, paths, demonstrations, open_book),
    )
    return metrics | {
        "chosen_examples": len(chosen),
        "open_book_examples": len(open_book),
        "demonstration_examples": len(demonstrations),
    }


def _chosen(pairs: Sequence[PreferencePair], rows: Sequence[InstructExample]) -> list[InstructExample]:
    """Return the faithful responses of pairs as answers, once each, but to questions that ``rows`` have.

    What DPO's reference is then trained on is what DPO compares (Rafailov et al. 2023, section 4).
    """
    asked = {row.question for row in rows}
    return [
        InstructExample(
            id=pair.id,
            chunk_id=pair.chunk_id,
            style="pair",
            rule=pair.rule,
            question=pair.prompt,
            answer=pair.chosen,
        )
        for pair in {(pair.prompt, pair.chosen): pair for pair in pairs}.values()
        if pair.prompt not in asked
    ]
