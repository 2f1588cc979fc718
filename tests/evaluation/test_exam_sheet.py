"""The spreadsheet: what it offers, and what is read back from it in the ways that people save it."""

from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook

from charter.evaluation.exam_sheet import DATE_MARK, DILEMMAS, QUESTIONS, read_sheets, write_sheets
from charter.project.errors import CharterError

SECTIONS = ["Gifts", "Meals, and more"]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return write_sheets(tmp_path, "ours", SECTIONS)


def fill(book: Path, row: int, **cells: object) -> None:
    """Write cells of a row of the sheet of questions, by the name of their column with _ for blanks."""
    opened = load_workbook(book)
    page = opened["questions"]
    for name, value in cells.items():
        page.cell(row, QUESTIONS.names.index(name.replace("_", " ")) + 1).value = value
    opened.save(book)


def test_the_files_and_their_sheets(files: list[Path]) -> None:
    assert [path.name for path in files] == [
        "ours-exam.xlsx",
        "ours-exam-questions.csv",
        "ours-exam-dilemmas.csv",
    ]
    book = load_workbook(files[0])
    assert book.sheetnames == ["questions", "dilemmas", "how to fill it in"]
    for sheet in (QUESTIONS, DILEMMAS):
        rows = list(book[sheet.name].iter_rows(values_only=True))
        assert list(rows[0]) == sheet.names
        assert [row[0] for row in rows[1:3]] == ["EXAMPLE", "EXAMPLE"]
        assert [row[1] for row in rows[3:] if row[1]] == SECTIONS
    told = {row[0] for row in book["how to fill it in"].iter_rows(values_only=True)}
    assert told >= {*QUESTIONS.names, *DILEMMAS.names}


def test_choices_are_offered_and_cells_keep_text(files: list[Path]) -> None:
    page = load_workbook(files[0])["questions"]
    rules = {rule.formula1 for rule in page.data_validations.dataValidation if rule.type == "list"}
    assert rules == {'"fact,situation,everyday,unanswerable"', '"yes,no"'}
    assert page["H5"].number_format == page["H200"].number_format == "@"


def test_files_that_are_there_are_kept(files: list[Path]) -> None:
    with pytest.raises(CharterError, match=r"ours-exam\.xlsx: exists already; move it away"):
        write_sheets(files[0].parent, "ours", SECTIONS)


def test_an_unfilled_sheet_has_no_rows(files: list[Path]) -> None:
    assert read_sheets(files) == {"questions": [], "dilemmas": []}


def test_a_filled_row_is_read_with_its_place(files: list[Path]) -> None:
    fill(files[0], 5, kind="fact", question=" When? ", answer_1=30, key_facts=30.0)
    (row,) = read_sheets(files[:1])["questions"]
    assert row.place == "ours-exam.xlsx, sheet questions, row 5"
    found = {name: text for name, text in row.cells.items() if text}
    assert found == {
        "section": "Meals, and more",
        "kind": "fact",
        "question": "When?",
        "answer 1": "30",
        "key facts": "30",
    }


def test_a_date_is_told(files: list[Path]) -> None:
    fill(files[0], 4, question="When?", key_facts=datetime(2026, 2, 15))
    (row,) = read_sheets(files[:1])["questions"]
    assert row.cells["key facts"].startswith(DATE_MARK)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_is_read_however_excel_divides_it(files: list[Path], delimiter: str) -> None:
    lines = [QUESTIONS.names, ["", "Gifts", "fact", '"When,\nor; how?"', *[""] * 8]]
    text = "\r\n".join(delimiter.join(line) for line in lines)
    files[1].write_text(text, encoding="utf-8-sig", newline="")
    (row,) = read_sheets(files[1:2])["questions"]
    assert row.place == "ours-exam-questions.csv, row 2"
    assert row.cells["question"].split() == ["When,", "or;", "how?"]


def test_columns_may_be_moved_and_more_may_stand_there(files: list[Path]) -> None:
    names = ["my notes", *reversed(DILEMMAS.names)]
    files[2].write_text(",".join(names) + "\n" + ",".join(names) + "\n", encoding="utf-8")
    (row,) = read_sheets(files[2:])["dilemmas"]
    assert all(row.cells[name] == name for name in DILEMMAS.names)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "its first row has the headings neither of questions nor"),
        ("a.csv", b"question,answer\nx,y\n", "its first row has the headings neither of questions nor"),
        ("a.csv", "id,caf\xe9\n".encode("latin-1"), "not UTF-8; save it as"),
        ("a.xlsx", b"no book", r"can't be read as \.xlsx"),
    ],
)
def test_what_is_no_exam_is_told(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CharterError, match=message):
        read_sheets([tmp_path / name])


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(CharterError, match=r"none\.csv: no such file"):
        read_sheets([tmp_path / "none.csv"])
