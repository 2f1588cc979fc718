"""synthesize: chunks and a teacher to instruct and preference data, validated and split without leaks."""

from typing import Any

from charter.generation.budget import Budget
from charter.generation.teacher import open_teacher
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import SPLITS
from charter.project.storage import file_sha256, write_rows
from charter.synthesis.choose_method import choose_method
from charter.synthesis.context import open_context
from charter.synthesis.coverage import measure_coverage, summarize_coverage
from charter.synthesis.estimate import check_first_chunks, describe_refusals
from charter.synthesis.people import read_people
from charter.synthesis.rule_decisions import read_rules
from charter.synthesis.synthetic_data import SyntheticData, read_synthetic_data
from charter.synthesis.writing import write_data


def run(params: Params, paths: CorpusPaths) -> dict[str, Any]:
    """Write both data sets, a file a split, and the ledger of everything refused.

    What people decided of rows and what they voted for is honoured (`charter.synthesis.people`).

    Raises:
        BudgetSpentError: The budget ended first; nothing is written, the journal has the answers.
        CharterError: Fewer examples were kept than synthesize.min_train_examples, or people decided something
            meanwhile: DVC would take that for honoured.
    """
    settings, method, decided = params.synthesize, choose_method(params), _hash_decisions(paths)
    with open_teacher(params, paths, Budget(params.budget)) as teacher:
        context = open_context(params, paths, teacher, read_rules(paths, settings.ask_grey))
        check_first_chunks(context, method)
        rows, figures = write_data(context, method(context.settings), read_people(paths))
    # First of all: it says why, where too few were kept.
    write_rows(paths.rejected, rows.rejected)
    _check_minimum(rows, figures, settings.min_train_examples)
    for split in SPLITS:
        write_rows(paths.instruct(split), rows.instruct[split])
        write_rows(paths.preference(split), rows.preference[split])
    if rows.marks:
        write_rows(paths.row_marks, rows.marks)
    else:
        paths.row_marks.unlink(missing_ok=True)
    if _hash_decisions(paths) != decided:
        raise CharterError(
            f"{paths.decisions.parent}: decisions on {paths.name} were changed while synthesize ran; run "
            "`dvc repro` again, which asks the teacher nothing anew"
        )
    return figures | {"coverage": summarize_coverage(measure_coverage(read_synthetic_data(paths)))}


def _hash_decisions(paths: CorpusPaths) -> list[str]:
    files = (paths.decisions, paths.row_decisions, paths.voted_pairs)
    return [file_sha256(file) if file.exists() else "" for file in files]


def _check_minimum(rows: SyntheticData, figures: dict[str, Any], minimum: int) -> None:
    train, held_out = len(rows.instruct["train"]), len(rows.instruct["test"])
    if train >= minimum and held_out:
        return
    raise CharterError(
        f"only {train} training and {held_out} test examples were kept; synthesize.min_train_examples asks "
        f"for {minimum} and evaluation for one. {describe_refusals(figures)} "
        "`charter filters` shows examples. Ask for more (synthesize.questions_per_style), or give a longer "
        "document."
    )
