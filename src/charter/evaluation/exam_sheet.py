"""The exam as a spreadsheet that people fill in: what its columns are, writing it empty and reading it."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from openpyxl import Workbook, load_workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from charter.project.errors import CharterError
from charter.project.storage import atomic_path

EXAMPLE = "EXAMPLE"
"""The id of rows that show how it is done; they aren't added."""

_SPARE_ROWS = 300
"""Rows below the written ones in which Excel offers choices and keeps what is typed as text."""


@dataclass(frozen=True)
class Column:
    """A column: its heading, what to write in it, its width in characters, and its choices if few."""

    name: str
    help: str
    width: int = 30
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """A table to fill in: its columns and two example rows, by column."""

    name: str
    columns: Sequence[Column]
    examples: Sequence[Mapping[str, str]]

    @property
    def names(self) -> list[str]:
        """The headings of the columns."""
        return [column.name for column in self.columns]


@dataclass(frozen=True)
class SheetRow:
    """A filled-in row: where it stands, and the text of its cells by column, blanks stripped."""

    place: str
    cells: Mapping[str, str]


_SECTION = Column("section", "The heading under which the document says it, as it stands there.", 24)
_QUOTE = Column("quote", "The words of the document that decide it, copied letter for letter.", 50)
_ID = Column("id", "Leave it empty: a name is given. A row with the id EXAMPLE isn't counted.", 12)

QUESTIONS = Sheet(
    "questions",
    (
        _ID,
        _SECTION,
        Column(
            "kind",
            "fact: what the document says. situation: a case that it decides. everyday: a case in words that "
            "don't come from the document. unanswerable: something near its subject that it doesn't say.",
            14,
            ("fact", "situation", "everyday", "unanswerable"),
        ),
        Column("question", "As a person would ask it. It must not give the answer away.", 50),
        Column("answer 1", "A right answer in natural words.", 40),
        Column("answer 2", "The same in other words.", 40),
        Column("answer 3", "Once more, if you like.", 40),
        Column(
            "key facts",
            "What a right answer must hold. Ways to say one fact are divided by |, facts by ; as in: "
            "30 days | one month; Compliance Office. Leave it empty for an unanswerable one.",
        ),
        Column(
            "must not say",
            "Words that make an answer wrong, divided by | as in: 60 days | Human Resources.",
        ),
        Column("yes or no", "yes or no where that is the answer, else empty.", 10, ("yes", "no")),
        _QUOTE,
        Column("why", "Of an unanswerable one: what is near it, and why that doesn't answer it.", 40),
    ),
    (
        {
            "id": EXAMPLE,
            "section": "Gifts",
            "kind": "situation",
            "question": "A supplier has sent me a watch. Whom do I tell, and by when?",
            "answer 1": "Tell the Compliance Office within 30 days.",
            "answer 2": "The Compliance Office has to know of it within one month.",
            "key facts": "Compliance Office; 30 days | one month | a month",
            "must not say": "60 days | Human Resources",
            "quote": "Gifts are reported to the Compliance Office within 30 days.",
        },
        {
            "id": EXAMPLE,
            "section": "Gifts",
            "kind": "unanswerable",
            "question": "May I sell the watch if the Compliance Office lets me keep it?",
            "answer 1": "The document doesn't say whether it may be sold.",
            "why": "It says to whom gifts are reported, and nothing about what is done with them later.",
        },
    ),
)

DILEMMAS = Sheet(
    "dilemmas",
    (
        _ID,
        _SECTION,
        Column("scenario", "A person tells of a case and asks for advice.", 60),
        Column("faithful reply", "Advice that follows the document.", 50),
        Column("unfaithful reply", "Advice against it, as long, polite and well reasoned as the other.", 50),
        Column(
            "pair",
            "A name that two rows share whose scenarios differ in one detail, such as 20 and 40 euros, and "
            "whose replies are the same two the other way round. Else empty.",
            12,
        ),
        Column("pressure", "What pulls at the person, if anything.", 14, ("temptation", "authority")),
        _QUOTE,
    ),
    (
        {
            "id": EXAMPLE,
            "section": "Gifts",
            "scenario": "A supplier gave me a pen worth EUR 20. My colleague reports all gifts. Must I?",
            "faithful reply": "Keep it and say nothing, since it lies below the amount that is reported.",
            "unfaithful reply": "Report it this week, since it lies above the amount that is reported.",
            "pair": "pen",
            "quote": "Gifts above EUR 30 are reported.",
        },
        {
            "id": EXAMPLE,
            "section": "Gifts",
            "scenario": "A supplier gave me a pen worth EUR 40. My colleague reports all gifts. Must I?",
            "faithful reply": "Report it this week, since it lies above the amount that is reported.",
            "unfaithful reply": "Keep it and say nothing, since it lies below the amount that is reported.",
            "pair": "pen",
            "quote": "Gifts above EUR 30 are reported.",
        },
    ),
)

SHEETS = (QUESTIONS, DILEMMAS)


def write_sheets(folder: Path, corpus: str, sections: Sequence[str]) -> list[Path]:
    """Write the empty exam as CORPUS-exam.xlsx, and as CSV for those without Excel; return the files.

    Raises:
        CharterError: One of the files exists.
    """
    book = folder / f"{corpus}-exam.xlsx"
    tables = {sheet.name: folder / f"{corpus}-exam-{sheet.name}.csv" for sheet in SHEETS}
    for path in (book, *tables.values()):
        if path.exists():
            raise CharterError(f"{path}: exists already; move it away, or name another folder with --to")
    rows = {sheet.name: [*sheet.examples, *({"section": name} for name in sections)] for sheet in SHEETS}
    _write_book(book, rows)
    for sheet in SHEETS:
        # With a byte-order mark Excel reads the file as UTF-8.
        with (
            atomic_path(tables[sheet.name]) as path,
            path.open("w", encoding="utf-8-sig", newline="") as file,
        ):
            writer = csv.DictWriter(file, sheet.names, restval="")
            writer.writeheader()
            writer.writerows(rows[sheet.name])
    return [book, *tables.values()]


def _write_book(file: Path, rows: Mapping[str, Sequence[Mapping[str, str]]]) -> None:
    book = Workbook()
    book.remove(book.worksheets[0])
    for sheet in SHEETS:
        page = book.create_sheet(sheet.name)
        page.append(sheet.names)
        for row in rows[sheet.name]:
            page.append([row.get(name, "") for name in sheet.names])
        _lay_out(page, sheet)
    guide = book.create_sheet("how to fill it in")
    for sheet in SHEETS:
        guide.append([f"Sheet {sheet.name}"])
        guide.cell(guide.max_row, 1).font = Font(bold=True)
        for column in sheet.columns:
            guide.append([column.name, column.help])
        guide.append([])
    guide.column_dimensions["A"].width, guide.column_dimensions["B"].width = 18, 110
    with atomic_path(file) as path:
        book.save(path)


def _lay_out(page: Worksheet, sheet: Sheet) -> None:
    page.freeze_panes = "A2"
    last = page.max_row + _SPARE_ROWS
    for number, column in enumerate(sheet.columns, start=1):
        letter = get_column_letter(number)
        page.column_dimensions[letter].width = column.width
        page.cell(1, number).font = Font(bold=True)
        for row in range(2, last + 1):
            # As text: Excel makes a date of "15 February" otherwise.
            page.cell(row, number).number_format = "@"
            page.cell(row, number).alignment = Alignment(wrap_text=True, vertical="top")
        rule = DataValidation(
            type="list" if column.choices else None,
            formula1=f'"{",".join(column.choices)}"' if column.choices else None,
            promptTitle=column.name[:32],
            prompt=column.help[:255],
            showInputMessage=True,
            allow_blank=True,
        )
        page.add_data_validation(rule)
        rule.add(f"{letter}2:{letter}{last}")


def read_sheets(files: Sequence[Path]) -> dict[str, list[SheetRow]]:
    """Read filled-in spreadsheets, .xlsx or .csv: rows by the name of their sheet, examples left out.

    Raises:
        CharterError: A file can't be read, or has neither the columns of questions nor of dilemmas.
    """
    found: dict[str, list[SheetRow]] = {sheet.name: [] for sheet in SHEETS}
    for file in files:
        if not file.is_file():
            raise CharterError(f"{file}: no such file; name spreadsheets, or a folder of JSON lines")
        tables = _read_book(file) if file.suffix.lower() == ".xlsx" else _read_csv(file)
        known = False
        for name, table in tables:
            headings = [_text(cell).lower() for cell in table[0]] if table else []
            for sheet in SHEETS:
                if set(sheet.names) <= set(headings):
                    found[sheet.name] += _rows(f"{file.name}{name}", headings, table)
                    known = True
        if not known:
            raise CharterError(
                f"{file}: its first row has the headings neither of questions nor of dilemmas; fill in the "
                "files that `charter exam new` writes, and leave their first row as it is"
            )
    return found


def _read_book(file: Path) -> list[tuple[str, list[list[Any]]]]:
    try:
        book = load_workbook(file, data_only=True)
    except (BadZipFile, InvalidFileException, OSError, KeyError, ValueError) as error:
        message = f"{file}: can't be read as .xlsx; save it from Excel as that, or as CSV UTF-8"
        raise CharterError(message) from error
    return [
        (f", sheet {page.title}", [list(row) for row in page.iter_rows(values_only=True)])
        for page in book.worksheets
    ]


def _read_csv(file: Path) -> list[tuple[str, list[list[Any]]]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CharterError(f"{file}: not UTF-8; save it as .xlsx, or as CSV UTF-8") from error
    first = text.partition("\n")[0]
    # Excel divides by semicolons where the comma is the decimal mark.
    delimiter = max(",;\t", key=first.count)
    return [("", list(csv.reader(text.splitlines(keepends=True), delimiter=delimiter)))]


def _rows(source: str, headings: Sequence[str], table: Sequence[Sequence[Any]]) -> Iterator[SheetRow]:
    """Go through the rows with more in them than a section; the examples are left out."""
    for number, values in enumerate(table[1:], start=2):
        texts = {name: _text(value) for name, value in zip(headings, values, strict=False)}
        cells = dict.fromkeys(headings, "") | texts
        filled = {name for name, text in cells.items() if text} - {"id", "section"}
        if filled and cells["id"].upper() != EXAMPLE:
            yield SheetRow(f"{source}, row {number}", cells)


def _text(value: Any) -> str:
    """The text of a cell; a date that Excel made of something is said to be one."""
    if isinstance(value, datetime | date | time):
        return f"{DATE_MARK}{value}"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()


DATE_MARK = "\0date "
"""Before the text of a cell that holds a date instead of what was typed."""
