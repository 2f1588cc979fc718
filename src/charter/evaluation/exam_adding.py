"""Making an exam of what people filled in: rows from a spreadsheet, checked, written and sealed."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from charter.evaluation.answer_language import AnswerLanguage
from charter.evaluation.exam import has_exam, read_exam_files
from charter.evaluation.exam_checks import Placed, describe, find_faults, raise_faults
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
    """An exam that was added: its seal, its files, and what its author should look at once more."""

    exam: Exam
    seal: Seal
    files: Sequence[Path]
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
    if has_exam(paths) and not replace and not (folder and folder.resolve() == own.resolve()):
        raise CharterError(f"{own}: {paths.name} has an exam; --replace puts this one in its place")
    exam = _read_folder(folder, paths) if folder else _read_filled(files, paths)
    before = read_seal(paths.exam_seal) if paths.exam_seal.exists() else None
    seal = seal_exam(exam, seed, before)
    if folder is None or folder.resolve() != own.resolve():
        write_rows(paths.exam_questions, exam.questions)
        write_rows(paths.exam_dilemmas, exam.dilemmas)
    write_seal(paths.exam_seal, seal)
    written = [paths.exam_questions, paths.exam_dilemmas, paths.exam_seal]
    return AddedExam(exam, seal, written, _doubts(exam, language))


def _read_folder(folder: Path, paths: CorpusPaths) -> Exam:
    exam = read_exam_files(folder / paths.exam_questions.name, folder / paths.exam_dilemmas.name)
    asked = [(row.id, row) for row in exam.questions]
    decided = [(row.id, row) for row in exam.dilemmas]
    raise_faults(_against_document(asked, decided, paths))
    return exam


def _read_filled(files: Sequence[Path], paths: CorpusPaths) -> Exam:
    rows = read_sheets(files)
    asked, faults = _build(ExamQuestion, rows["questions"], _question_values, f"{paths.name}-q")
    decided, more = _build(Dilemma, rows["dilemmas"], _dilemma_values, f"{paths.name}-d")
    faults += more
    if not asked and not decided and not faults:
        raise CharterError("nothing is filled in; write questions below the examples, beside a section")
    raise_faults([*faults, *find_faults(asked, decided), *_against_document(asked, decided, paths)])
    return Exam([row for _, row in asked], [row for _, row in decided])


def _build(
    row_type: type[RowType],
    rows: Iterable[SheetRow],
    values: Callable[[Mapping[str, str]], dict[str, Any]],
    prefix: str,
) -> tuple[list[Placed[RowType]], list[str]]:
    """Make rows of filled-in ones; return them, and the faults of those that can't be made."""
    built: list[Placed[RowType]] = []
    faults: list[str] = []
    for number, row in enumerate(rows, start=1):
        dates = [name for name, text in row.cells.items() if text.startswith(DATE_MARK)]
        if dates:
            faults.append(
                f"{row.place}: {', '.join(dates)}: a date instead of text; give the cell the format Text and "
                "type it again"
            )
            continue
        cells = {"id": f"{prefix}-{number:03}"} | {name: text for name, text in row.cells.items() if text}
        try:
            built.append((row.place, row_type.model_validate(values(cells))))
        except ValidationError as error:
            faults += [f"{row.place}: {fault}" for fault in describe(error)]
    return built, faults


def _question_values(cells: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": cells["id"],
        "section": cells.get("section", ""),
        "kind": cells.get("kind", "").lower(),
        "question": cells.get("question", ""),
        "references": tuple(cells[name] for name in ("answer 1", "answer 2", "answer 3") if name in cells),
        "key_facts": tuple(_divide(fact, "|") for fact in _divide(cells.get("key facts", ""), ";\n")),
        "must_not_say": _divide(cells.get("must not say", ""), "|;\n"),
        "polarity": cells["yes or no"].lower() if "yes or no" in cells else None,
        "quote": cells.get("quote", ""),
        "why": cells.get("why", ""),
    }


def _dilemma_values(cells: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": cells["id"],
        "section": cells.get("section", ""),
        "scenario": cells.get("scenario", ""),
        "faithful": cells.get("faithful reply", ""),
        "unfaithful": cells.get("unfaithful reply", ""),
        "pair": cells.get("pair"),
        "pressure": cells["pressure"].lower() if "pressure" in cells else None,
        "quote": cells.get("quote", ""),
    }


def _divide(text: str, marks: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in re.split(f"[{re.escape(marks)}]", text) if part.strip())


def _against_document(
    questions: Sequence[Placed[ExamQuestion]], dilemmas: Sequence[Placed[Dilemma]], paths: CorpusPaths
) -> list[str]:
    """Find sections and quotes that the document doesn't have; nothing where it isn't extracted."""
    if not (paths.chunks.is_file() and paths.documents.is_file()):
        return []
    sections = set(document_sections(paths))
    text = "".join(letters(row.text) for row in read_rows(paths.documents, Document))
    faults = []
    bound = [(place, row.section, row.quote) for place, row in questions]
    for place, section, quote in bound + [(place, row.section, row.quote) for place, row in dilemmas]:
        if section and section not in sections:
            faults.append(f"{place}: the document has no section {section!r}")
        if quote and letters(quote) not in text:
            faults.append(f"{place}: the document doesn't say {quote!r}; copy the quote letter for letter")
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
