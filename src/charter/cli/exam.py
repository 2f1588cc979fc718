"""The exam of a corpus: a spreadsheet to fill in, and taking it in."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from charter.cli.context import CorpusArgument, open_corpus
from charter.project.metric_names import LOCAL
from charter.project.records import Chunk, System
from charter.project.storage import read_rows, write_rows


def new(
    corpus: CorpusArgument,
    to: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write to.")] = Path(),
) -> None:
    """Write an empty exam to fill in: CORPUS-exam.xlsx, and two CSV files with the same in them.

    Each sheet begins with two examples, and has a row for each section of the document; insert rows as you
    need them. The last sheet says what goes into each column. You need no knowledge of models: write what
    people ask, what a right answer must hold, and what it must not say, from the document alone.

    How to write a good one, and how many of each kind: docs/exam.md. When it is filled in: charter exam add
    """
    from charter.evaluation.exam_adding import document_sections
    from charter.evaluation.exam_sheet import write_sheets

    _, paths = open_corpus(corpus)
    sections = document_sections(paths)
    files = write_sheets(to, corpus, sections)
    typer.echo("wrote " + ", ".join(map(str, files)))
    typer.echo(f"fill in the first, or the others, and run: charter exam add {corpus} {files[0]}")


def add(
    corpus: CorpusArgument,
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Spreadsheets, .xlsx or .csv; or a folder of JSON lines."),
    ],
    replace: Annotated[bool, typer.Option(help="Put it in the place of the exam that is there.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check it, and write nothing.")] = False,
) -> None:
    """Check an exam that was filled in, and add it as data/exam/CORPUS.

    Every fault is named by its row, and nothing is written while there is one. What may be a mistake is named
    too, as "look again", and keeps nothing from being written. A third of the sections becomes dev, for
    choices; the others are sealed: their hash is kept, and a change of theirs is refused until you add the
    exam again. A section stays in the part that it is in.

    An exam that you amended by hand: charter exam add CORPUS data/exam/CORPUS
    """
    from charter.documents.corpus_language import main_language
    from charter.evaluation.answer_language import language_of_answers, unmarked_sentence
    from charter.evaluation.exam_adding import add_exam

    params, paths = open_corpus(corpus)
    chunks = read_rows(paths.chunks, Chunk) if paths.chunks.exists() else []
    language = language_of_answers(chunks)
    if unmarked := unmarked_sentence(main_language(chunk.language for chunk in chunks)):
        typer.echo(f"note: {unmarked}")
    added = add_exam(paths, files, params.seed, language, replace=replace, dry_run=dry_run)
    for doubt in added.doubts:
        typer.echo(f"look again: {doubt}")
    seal, exam = added.seal, added.exam
    questions, dilemmas = len(exam.questions), len(exam.dilemmas)
    typer.echo(f"{'checked' if dry_run else 'added'} {questions} questions and {dilemmas} dilemmas")
    for part, use, held, decided, sections in (
        ("dev", "to choose by", questions - seal.questions, dilemmas - seal.dilemmas, seal.dev),
        ("sealed", "to measure with, and not to be read", seal.questions, seal.dilemmas, seal.sealed),
    ):
        typer.echo(f"{part}, {use}: {held} questions and {decided} dilemmas on {len(sections)} sections")
    if dry_run:
        typer.echo("nothing is written")
        return
    folder = paths.exam_seal.parent.relative_to(paths.root)
    typer.echo(f"which sections are which is in {folder}/sealed.yaml; now commit it: git add {folder}")


def dev(
    corpus: CorpusArgument,
    systems: Annotated[
        list[str] | None,
        typer.Argument(help="Who sits it, of seed, cft, sft, dpo and teacher; all but the teacher."),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--answers", metavar="FILE", help="Write all answers here, as JSON lines.")
    ] = None,
) -> None:
    """Hold the dev part of the exam, a third of its sections, to choose by; the sealed part stays unread.

    Each system answers without retrieval and with it. Rows such as nearest-sentence need no model: what
    doesn't beat them has shown nothing.

    People may read the answers: charter review CORPUS --what answers
    """
    from charter.evaluation.dev_exam import sit_dev
    from charter.evaluation.exam_scoring import score_exam
    from charter.evaluation.statistics import Resampling
    from charter.report.table import exam_table

    params, paths = open_corpus(corpus)
    sitting: tuple[System, ...] = (*LOCAL, "teacher")
    if unknown := sorted(set(systems or ()) - {*sitting}):
        raise typer.BadParameter(f"no system {unknown[0]!r}; there are {', '.join(sitting)}")
    chosen = [name for name in sitting if name in (systems or LOCAL)]
    answers, decisions = sit_dev(params, paths, chosen)
    write_rows(paths.dev_answers, answers)
    if to:
        write_rows(to, answers)
    figures, _ = score_exam(answers, decisions, Resampling(params.evaluate.bootstrap_samples, params.seed))
    Console().print(exam_table(f"{corpus}: the dev part of the exam", figures))


def retrieval(corpus: CorpusArgument) -> None:
    """Measure on the dev part of the exam what each way of retrieval finds, with 1, 3 and 5 passages.

    These are chunks or sentences. The chunk among them: how often one is of the chunk that the question is
    on. The nearest sentence: how often the sentence of these passages that is nearest to the question answers
    it rightly. MRR: the mean of 1 / rank of the chunk. The encoder alone is run, and no index is needed.

    What you choose goes into params.yaml: retrieval.unit, retrieval.method and retrieval.passages.
    """
    from charter.evaluation.retrieval_exam import measure_retrieval
    from charter.report.retrieval_table import retrieval_table

    params, paths = open_corpus(corpus)
    Console().print(retrieval_table(corpus, measure_retrieval(params, paths), params.retrieval))
