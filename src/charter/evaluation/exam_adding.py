"""Making an exam of what people filled in: rows from a spreadsheet, checked, written and sealed."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from charter.evaluation.answer_language import AnswerLanguage
from charter.evaluation.exam import has_exam, read_exam_files
from charter.evaluation.exam_checks import Finding, Placed, find_faults, raise_faults
from charter.evaluation.exam_doubts import find_doubts
from charter.evaluation.exam_quotes import letters
from charter.evaluation.exam_sheet import (
    DATE_MARK,
    DILEMMAS,
    QUESTIONS,
    SHEETS,
    Sheet,
    SheetRow,
    read_sheets,
)
from charter.evaluation.exam_split import Exam, Seal, read_seal, seal_exam, write_seal
from charter.evaluation.grouping import grouped
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
    doubts: Sequence[Finding]


@dataclass(frozen=True)
class _Read:
    """An exam's rows with their places, and what is wrong with them."""

    questions: Sequence[Placed[ExamQuestion]]
    dilemmas: Sequence[Placed[Dilemma]]
    faults: Sequence[Finding]

    @property
    def exam(self) -> Exam:
        """The rows without their places."""
        return Exam([row for _, row in self.questions], [row for _, row in self.dilemmas])


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
    paths: CorpusPaths,
    files: Sequence[Path],
    seed: int,
    language: AnswerLanguage,
    *,
    replace: bool = False,
    dry_run: bool = False,
) -> AddedExam:
    """Check an exam, write it as JSON lines and seal two thirds of it, by `seal_exam`.

    Args:
        paths: Of the corpus.
        files: Spreadsheets as `write_sheets` begins them, or one folder with questions.jsonl and
            dilemmas.jsonl, such as that of the corpus's own exam when it was amended by hand.
        seed: Of the split.
        language: What the scorer knows, by which answers are tried.
        replace: Whether an exam that is there may give way.
        dry_run: Whether it is only checked.

    Raises:
        CharterError: There are faults, of which all are named by row; or the corpus has another exam.
    """
    own = paths.exam_questions.parent
    folder = files[0] if len(files) == 1 and files[0].is_dir() else None
    amended = folder is not None and folder.resolve() == own.resolve()
    read = _read_folder(folder, paths) if folder else _read_filled(files, paths)
    doubts = find_doubts(read.questions, read.dilemmas, _section_texts(paths), language)
    raise_faults(read.faults, doubts)
    exam = read.exam
    before = read_seal(paths.exam_seal) if paths.exam_seal.exists() else None
    seal = seal_exam(exam, seed, before)
    added = AddedExam(exam, seal, doubts)
    if dry_run:
        return added
    if has_exam(paths) and not amended:
        if not replace:
            raise CharterError(f"{own}: {paths.name} has an exam; --replace puts this one in its place")
        _check_kept(exam, paths)
    if not amended:
        write_rows(paths.exam_questions, exam.questions)
        write_rows(paths.exam_dilemmas, exam.dilemmas)
    write_seal(paths.exam_seal, seal)
    return added


def _check_kept(exam: Exam, paths: CorpusPaths) -> None:
    """Refuse to replace questions or dilemmas by none: the other one of two CSV files was forgotten."""
    for file, rows in ((paths.exam_questions, exam.questions), (paths.exam_dilemmas, exam.dilemmas)):
        if not rows and file.exists() and file.stat().st_size:
            raise CharterError(
                f"{file}: the exam has {file.stem}, and what is to replace it has none; name both tables, or "
                "delete this file first"
            )


def _read_folder(folder: Path, paths: CorpusPaths) -> _Read:
    asked, decided = read_exam_files(folder / paths.exam_questions.name, folder / paths.exam_dilemmas.name)
    return _Read(asked, decided, _against_document([*asked, *decided], paths))


def _read_filled(files: Sequence[Path], paths: CorpusPaths) -> _Read:
    sheets = read_sheets(files)
    places = [row.place for sheet in SHEETS for row in sheets[sheet.name]]
    if not places:
        raise CharterError("nothing is filled in; write questions below the examples, beside a section")
    names = {name.casefold(): name for name in _section_texts(paths)}
    asked, faults = _build(ExamQuestion, QUESTIONS, sheets, names, _question_values, f"{paths.name}-q")
    decided, more = _build(Dilemma, DILEMMAS, sheets, names, _dilemma_values, f"{paths.name}-d")
    faults += [*more, *find_faults(asked, decided), *_against_document([*asked, *decided], paths)]
    return _Read(asked, decided, sorted(faults, key=lambda fault: places.index(fault.place)))


def _build(
    row_type: type[RowType],
    sheet: Sheet,
    rows: Mapping[str, Sequence[SheetRow]],
    sections: Mapping[str, str],
    values: Callable[[Mapping[str, str]], dict[str, Any]],
    prefix: str,
) -> tuple[list[Placed[RowType]], list[Finding]]:
    """Make rows of filled-in ones; return them, and the faults of those that can't be made.

    ``sections`` are the document's by their names in lower case, however they are written in the sheet.
    """
    filled = rows[sheet.name]
    own = {row.cells["id"] for row in filled}
    given = (name for number in count(1) if (name := f"{prefix}-{number:03}") not in own)
    built: list[Placed[RowType]] = []
    faults: list[Finding] = []
    for row in filled:
        found = _cell_faults(row, sheet)
        section = sections.get(row.cells["section"].casefold(), row.cells["section"])
        cells = {**row.cells, "id": row.cells["id"] or next(given), "section": section}
        if found:
            faults += found
        else:
            built.append((row.place, row_type.model_validate(values(cells))))
    return built, faults


def _cell_faults(row: SheetRow, sheet: Sheet) -> list[Finding]:
    """Find cells that hold a date, and those that hold none of the column's choices."""
    dates = [name for name, text in row.cells.items() if text.startswith(DATE_MARK)]
    faults = [
        f"{name}: a date instead of text; give the cell the format Text and type it again" for name in dates
    ]
    for column in sheet.columns:
        text = row.cells[column.name].lower()
        if column.choices and text not in column.choices and (text or column.name == "kind"):
            faults.append(f"{column.name}: {text!r}; choose one of {', '.join(column.choices)}")
    return [Finding(row.place, fault) for fault in faults]


def _question_values(cells: Mapping[str, str]) -> dict[str, Any]:
    facts = (_divide(fact, "|") for fact in _divide(cells["key facts"], ";\n"))
    return {
        **{name: cells[name] for name in ("id", "section", "question", "quote", "why")},
        "kind": cells["kind"].lower(),
        "references": tuple(filter(None, (cells[f"answer {number}"] for number in (1, 2, 3)))),
        "key_facts": tuple(filter(None, facts)),
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


def _against_document(rows: Sequence[Placed[ExamQuestion | Dilemma]], paths: CorpusPaths) -> list[Finding]:
    """Find sections and quotes that the document doesn't have; nothing where it isn't extracted."""
    if not (paths.chunks.is_file() and paths.documents.is_file()):
        return []
    sections = set(document_sections(paths))
    text = "".join(letters(row.text) for row in read_rows(paths.documents, Document))
    faults = []
    for place, row in rows:
        if row.section and row.section not in sections:
            faults.append(Finding(place, f"the document has no section {row.section!r}"))
        if row.quote and letters(row.quote) not in text:
            faults.append(Finding(place, f"the document doesn't say {row.quote!r}; copy the quote from it"))
    return faults


def _section_texts(paths: CorpusPaths) -> dict[str, str]:
    """Return the text of each section; nothing where the document isn't extracted."""
    if not paths.chunks.is_file():
        return {}
    chunks = grouped(read_rows(paths.chunks, Chunk), _section)
    return {name: "\n".join(chunk.text for chunk in found) for name, found in chunks.items()}
