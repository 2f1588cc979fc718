"""synthesize: chunks and a teacher to instruct and preference data, validated and split without leaks."""

from collections import Counter
from typing import Any

from charter.generation.budget import Budget
from charter.generation.teacher import open_teacher
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import SPLITS
from charter.project.storage import write_rows
from charter.synthesis.coverage import measure_coverage, summarize_coverage
from charter.synthesis.synthesis_context import open_context
from charter.synthesis.writing import write_data


def run(params: Params, paths: CorpusPaths) -> dict[str, Any]:
    """Write both data sets, a file a split, and the ledger of everything refused.

    Raises:
        BudgetSpentError: The budget ended first; nothing is written, the journal has the answers.
        CharterError: Fewer examples were kept than synthesize.min_train_examples.
    """
    with open_teacher(params, paths, Budget(params.budget)) as teacher:
        rows, figures = write_data(open_context(params, paths, teacher))
    _check_minimum(figures["instruct"], params.synthesize.min_train_examples)
    for split in SPLITS:
        write_rows(paths.instruct(split), rows.instruct[split])
        write_rows(paths.preference(split), rows.preference[split])
    write_rows(paths.rejected, rows.rejected)
    return figures | {"coverage": summarize_coverage(measure_coverage(rows))}


def _check_minimum(figures: dict[str, Any], minimum: int) -> None:
    train, held_out = figures["train"], figures["test"]
    if train >= minimum and held_out:
        return
    filters = Counter(figures["rejected"]).most_common()
    counts = ", ".join(f"{name} refused {count}" for name, count in filters) or "no filter refused any"
    raise CharterError(
        f"only {train} training and {held_out} test examples were kept; synthesize.min_train_examples asks "
        f"for {minimum} and evaluation for one: {counts}. "
        "Ask for more (synthesize.questions_per_style), or give a longer document."
    )
