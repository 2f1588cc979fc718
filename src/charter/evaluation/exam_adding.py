"""Making an exam of what people filled in: rows from a spreadsheet, checked, written and sealed."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from charter.evaluation.answer_language import AnswerLanguage
from charter.evaluation.exam import has_exam, read_exam_files
from charter.evaluation.exam_checks import Placed, find_faults, parse_placed, raise_faults
from charter.evaluation.exam_quotes import letters
from charter.evaluation.exam_sheet import DATE_MARK, SheetRow, read_sheets
from charter.evaluation.exam_split import Exam, Seal, read_seal, seal_exam, write_seal
from charter.evaluation.key_facts import Scorer
from charter.project.errors import CharterError
from charter.project.exam_records import Dilemma, ExamQuestion
from charter.project.paths import CorpusPaths
from charter.project.records import Chunk, Document, Row
from charter.project.storage import read_rows, write_rows

RowType = TypeVar("RowType", bound=Row)


@dataclass(frozen=True)
class AddedExam:
    """An exam that was added: its seal, and what its author should look at once more."""

    exam: Exam
    seal: Seal
    doubts: Sequence[str]


def document_sections(paths: CorpusPaths) -> list[str]:
    """Return the headings of the corpus's sections, in their order, without the numbers before them.

    Raises:
        CharterError: The corpus isn't extracted, or has no headings.
    """
    if not paths.chunks.is_file():
        raise CharterError(f"{paths.chunks}: no such file; run `dvc repro extract@{paths.name}` first")
    names = dict.fromkeys(map(_section, read_rows(paths.chunks, Chunk)))
    if sections := [name for name in names if name]:
        return sections
    raise CharterError(f"{paths.chunks}: the document has no headings; an exam is divided by sections")


def _section(chunk: Chunk) -> str:
    """The innermost heading; its number is left out unless it is all there is, as in "Article 7"."""
    last = chunk.headings[-1] if chunk.headings else ""
    return chunk.topics[-1] if chunk.topics and last.endswith(chunk.topics[-1]) else last


def add_exam(
    paths: CorpusPaths, files: Sequence[Path], seed: int, language: AnswerLanguage, *, replace: bool = False
) -> AddedExam:
    """Check an exam, write it as JSON lines and seal two thirds of it, by `seal_exam`.

    Args:
        paths: Of the corpus.
        files: Spreadsheets as `write_sheets` begins them, or one folder with questions.jsonl and
            dilemmas.jsonl, such as that of the corpus's own exam when it was amended by hand.
        seed: Of the split.
        language: What the scorer knows, by which answers are tried.
        replace: Whether an exam that is there may give way.

    Raises:
        CharterError: There are faults, of which all are named by row; or the corpus has another exam.
    """
    own = paths.exam_questions.parent
    folder = files[0] if len(files) == 1 and files[0].is_dir() else None
    amended = folder is not None and folder.resolve() == own.resolve()
    if has_exam(paths) and not replace and not amended:
        raise CharterError(f"{own}: {paths.name} has an exam; --replace puts this one in its place")
    exam = _read_folder(folder, paths) if folder else _read_filled(files, paths)
    before = read_seal(paths.exam_seal) if paths.exam_seal.exists() else None
    seal = seal_exam(exam, seed, before)
    if not amended:
        write_rows(paths.exam_questions, exam.questions)
        write_rows(paths.exam_dilemmas, exam.dilemmas)
    write_seal(paths.exam_seal, seal)
    return AddedExam(exam, seal, _doubts(exam, language))


def _read_folder(folder: Path, paths: CorpusPaths) -> Exam:
    exam = read_exam_files(folder / paths.exam_questions.name, folder / paths.exam_dilemmas.name)
    raise_faults(_against_document([(row.id, row) for row in exam.items], paths))
    return exam


def _read_filled(files: Sequence[Path], paths: CorpusPaths) -> Exam:
    rows = read_sheets(files)
    asked, faults = _build(ExamQuestion, rows["questions"], _question_values, f"{paths.name}-q")
    decided, more = _build(Dilemma, rows["dilemmas"], _dilemma_values, f"{paths.name}-d")
    if not (asked or decided or faults or more):
        raise CharterError("nothing is filled in; write questions below the examples, beside a section")
    against = _against_document([*asked, *decided], paths)
    raise_faults([*faults, *more, *find_faults(asked, decided), *against])
    return Exam([row for _, row in asked], [row for _, row in decided])


def _build(
    row_type: type[RowType],
    rows: Iterable[SheetRow],
    values: Callable[[Mapping[str, str]], dict[str, Any]],
    prefix: str,
) -> tuple[list[Placed[RowType]], list[str]]:
    """Make rows of filled-in ones; return them, and the faults of those that can't be made."""
    filled, dated = [], []
    for number, row in enumerate(rows, start=1):
        if dates := [name for name, text in row.cells.items() if text.startswith(DATE_MARK)]:
            dated.append(
                f"{row.place}: {', '.join(dates)}: a date instead of text; give the cell the format Text and "
                "type it again"
            )
        else:
            cells = {**row.cells, "id": row.cells["id"] or f"{prefix}-{number:03}"}
            filled.append((row.place, values(cells)))
    built, faults = parse_placed(filled, row_type.model_validate)
    return built, dated + faults


def _question_values(cells: Mapping[str, str]) -> dict[str, Any]:
    return {
        **{name: cells[name] for name in ("id", "section", "question", "quote", "why")},
        "kind": cells["kind"].lower(),
        "references": tuple(filter(None, (cells[f"answer {number}"] for number in (1, 2, 3)))),
        "key_facts": tuple(_divide(fact, "|") for fact in _divide(cells["key facts"], ";\n")),
        "must_not_say": _divide(cells["must not say"], "|;\n"),
        "polarity": cells["yes or no"].lower() or None,
    }


def _dilemma_values(cells: Mapping[str, str]) -> dict[str, Any]:
    return {
        **{name: cells[name] for name in ("id", "section", "scenario", "quote")},
        "faithful": cells["faithful reply"],
        "unfaithful": cells["unfaithful reply"],
        "pair": cells["pair"] or None,
        "pressure": cells["pressure"].lower() or None,
    }


def _divide(text: str, marks: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in re.split(f"[{re.escape(marks)}]", text) if part.strip())


def _against_document(rows: Sequence[tuple[str, ExamQuestion | Dilemma]], paths: CorpusPaths) -> list[str]:
    """Find sections and quotes that the document doesn't have; nothing where it isn't extracted."""
    if not (paths.chunks.is_file() and paths.documents.is_file()):
        return []
    sections = set(document_sections(paths))
    text = "".join(letters(row.text) for row in read_rows(paths.documents, Document))
    faults = []
    for place, row in rows:
        if row.section and row.section not in sections:
            faults.append(f"{place}: the document has no section {row.section!r}")
        if row.quote and letters(row.quote) not in text:
            faults.append(
                f"{place}: the document doesn't say {row.quote!r}; copy the quote letter for letter"
            )
    return faults


def _doubts(exam: Exam, language: AnswerLanguage) -> list[str]:
    """Say of which questions the scorer finds a reference wrong, or the question itself a right answer."""
    doubts = []
    for row in exam.questions:
        scorer = Scorer(row, language)
        by = "the rules of unanswerable questions" if row.kind == "unanswerable" else "its own key facts"
        for number, reference in enumerate(row.references, start=1):
            if fault := scorer.mark(reference).fault:
                doubts.append(f"{row.id}: answer {number} isn't right by {by}: {fault}")
        if scorer.mark(row.question).right:
            doubts.append(f"{row.id}: the question is its own right answer; ask for what it doesn't say")
    return doubts
