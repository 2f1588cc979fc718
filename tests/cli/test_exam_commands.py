"""charter exam: a spreadsheet to fill in, and adding it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from charter.project.paths import ProjectPaths
from charter.project.storage import write_rows
from rows import chunk_of

Charter = Callable[..., Any]


@pytest.fixture
def extracted(project: Path) -> Path:
    """A project in which udhr has two sections."""
    chunks = [chunk_of(f"text {name}", headings=("Declaration", name)) for name in ("Article 1", "Article 2")]
    write_rows(ProjectPaths(project).corpus("udhr").chunks, chunks)
    return project


def test_the_way_from_an_empty_exam_to_a_sealed_one(charter: Charter, extracted: Path) -> None:
    done = charter("exam", "new", "udhr", folder=extracted)
    assert done.code == 0
    assert "run: charter exam add udhr udhr-exam.xlsx" in done.out

    book = load_workbook(extracted / "udhr-exam.xlsx")
    for row, name in ((4, "equal"), (5, "alike")):
        cells = ("kind", "question", "answer 1", "key facts", "quote")
        values = ("fact", "How are people born?", f"They are born {name}.", name, f"All are {name}.")
        headings = [cell.value for cell in book["questions"][1]]
        for heading, value in zip(cells, values, strict=True):
            book["questions"].cell(row, headings.index(heading) + 1).value = value
    book.save(extracted / "udhr-exam.xlsx")

    done = charter("exam", "add", "udhr", "udhr-exam.xlsx", "--dry-run", folder=extracted)
    assert (done.code, done.out.splitlines()[-1]) == (0, "nothing is written")
    assert not (extracted / "data/exam").exists()

    done = charter("exam", "add", "udhr", "udhr-exam.xlsx", folder=extracted)
    assert (done.code, done.err) == (0, "")
    assert "added 2 questions and 0 dilemmas\ndev, to choose by: 1 questions and 0 dilemmas on 1 " in done.out
    assert done.out.endswith("now commit it: git add data/exam/udhr\n")
    assert "Article" in (extracted / "data/exam/udhr/sealed.yaml").read_text()

    done = charter("exam", "add", "udhr", "udhr-exam.xlsx", folder=extracted)
    assert done.code == 1
    assert "--replace puts this one in its place" in done.err


def test_faults_are_one_message(charter: Charter, extracted: Path) -> None:
    charter("exam", "new", "udhr", "--to", "forms", folder=extracted)
    file = extracted / "forms/udhr-exam-questions.csv"
    text = file.read_text(encoding="utf-8-sig").replace(",Article 1,,", ",Article 1,fact,When?")
    file.write_text(text, encoding="utf-8")
    done = charter("exam", "add", "udhr", str(file), folder=extracted)
    assert done.code == 1
    assert done.err.startswith("charter: the exam has 3 faults; mend and add it again:\n")
    assert "udhr-exam-questions.csv, row 4: answer 1 is empty" in done.err
    assert not (extracted / "data/exam").exists()


@pytest.mark.parametrize("command", ["new", "add", "dev", "retrieval"])
def test_an_unknown_corpus_is_told(charter: Charter, command: str) -> None:
    done = charter("exam", command, "nowhere", *(["x.csv"] if command == "add" else []))
    assert done.code == 1
    assert done.err == "charter: no corpus 'nowhere' in params.yaml; there are udhr, bcg\n"


def test_help_teaches(charter: Charter) -> None:
    assert "exam" in charter("--help").out
    done = charter("exam", "--help")
    assert "new" in done.out
    assert "add" in done.out
    assert "from the document alone" in " ".join(charter("exam", "new", "--help").out.split())
    assert "Every fault is named by its row" in " ".join(charter("exam", "add", "--help").out.split())


@pytest.mark.parametrize(("language", "told"), [("rus", True), (None, True), ("deu", False), ("eng", False)])
def test_that_the_marks_do_not_know_the_language_is_told(
    charter: Charter, extracted: Path, language: str | None, told: bool
) -> None:
    chunks = [
        chunk_of(f"text {name}", headings=("Declaration", name), language=language)
        for name in ("Article 1", "Article 2")
    ]
    write_rows(ProjectPaths(extracted).corpus("udhr").chunks, chunks)
    charter("exam", "new", "udhr", folder=extracted)
    done = charter("exam", "add", "udhr", "udhr-exam.xlsx", "--dry-run", folder=extracted)
    assert ("note: " in done.out and "marked without knowing the language" in done.out) is told
