"""synthesize: chunks and a teacher to instruct and preference data, validated and split without leaks."""

from collections import Counter
from typing import Any

from charter.generation.budget import Budget
from charter.generation.teacher import open_teacher
from charter.project.devices import resolve_device
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import SPLITS, Chunk
from charter.project.sections import Synthesize
from charter.project.storage import read_rows, write_rows
from charter.retrieval.encoder import Encoder
from charter.synthesis.coverage import measure_coverage, summarize_coverage
from charter.synthesis.requests import TeacherRequests
from charter.synthesis.synthesis_context import SynthesisContext
from charter.synthesis.writing import write_data


def run(params: Params, paths: CorpusPaths) -> dict[str, Any]:
    """Write both data sets, a file a split, and the ledger of everything refused.

    Raises:
        BudgetSpentError: The budget ended first; nothing is written, the journal has the answers.
        CharterError: Fewer examples were kept than synthesize.min_train_examples.
    """
    settings = params.synthesize
    chunks = read_rows(paths.chunks, Chunk)
    requests = TeacherRequests(params.corpora[paths.name].title, settings.temperature)
    with open_teacher(params, paths, Budget(params.budget)) as teacher:
        encoder = Encoder(paths.encoder, resolve_device(params.compute))
        context = SynthesisContext(chunks, requests, teacher, encoder, settings, params.seed)
        written = write_data(context)
    _check_minimum(written.figures["instruct"], settings)
    rows = written.rows
    for split in SPLITS:
        write_rows(paths.instruct(split), rows.instruct[split])
        write_rows(paths.preference(split), rows.preference[split])
    write_rows(paths.rejected, rows.rejected)
    return written.figures | {"coverage": summarize_coverage(measure_coverage(rows))}


def _check_minimum(figures: dict[str, Any], settings: Synthesize) -> None:
    train, held_out = figures["train"], figures["test"]
    if train >= settings.min_train_examples and held_out:
        return
    filters = Counter(figures["rejected"]).most_common()
    counts = ", ".join(f"{name} refused {count}" for name, count in filters) or "no filter refused any"
    raise CharterError(
        f"only {train} training and {held_out} test examples were kept; synthesize.min_train_examples asks "
        f"for {settings.min_train_examples} and evaluation for one: {counts}. "
        "Ask for more (synthesize.questions_per_style), or give a longer document."
    )
