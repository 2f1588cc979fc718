"""The exam as a spreadsheet that people fill in: what its columns are, writing it empty and reading it."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from importlib import resources
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from openpyxl import Workbook, load_workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet
from pydantic import BaseModel

from charter.project.errors import CharterError
from charter.project.storage import atomic_path
from charter.project.yaml_text import parse_yaml

EXAMPLE = "EXAMPLE"
"""The id of rows that show how it is done; they aren't added."""

_SPARE_ROWS = 300
"""Rows below the written ones in which Excel offers choices and keeps what is typed as text."""


class Column(BaseModel):
    """A column: its heading, what to write in it, its width in characters, and its choices if few."""

    name: str
    help: str
    width: int = 30
    choices: tuple[str, ...] = ()


class Sheet(BaseModel):
    """A table to fill in: its columns and two example rows, by column."""

    name: str
    columns: list[Column]
    examples: list[dict[str, str]]

    @property
    def names(self) -> list[str]:
        """The headings of the columns."""
        return [column.name for column in self.columns]


@dataclass(frozen=True)
class SheetRow:
    """A filled-in row: where it stands, and the text of its cells by column, blanks stripped."""

    place: str
    cells: Mapping[str, str]


_CONTENT = resources.files("charter.evaluation").joinpath("exam_sheet.yaml").read_text(encoding="utf-8")

SHEETS = QUESTIONS, DILEMMAS = [Sheet.model_validate(sheet) for sheet in parse_yaml(_CONTENT)]


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
