"""Adding an exam: rows from cells, every fault at once, nothing written while there is one."""

import csv
from collections.abc import Mapping
from pathlib import Path

import pytest

from charter.evaluation.answer_language import load_answer_language
from charter.evaluation.exam import read_dev, read_sealed
from charter.evaluation.exam_adding import AddedExam, add_exam, document_sections
from charter.evaluation.exam_sheet import DILEMMAS, QUESTIONS, Sheet, write_sheets
from charter.evaluation.exam_split import read_seal
from charter.project.errors import CharterError
from charter.project.paths import CorpusPaths
from charter.project.records import Document
from charter.project.storage import write_rows
from exam_rows import corpus_in, question_of, sample_exam, write_exam
from rows import chunk_of

EN = load_answer_language("en")
TEXT = "Gifts are reported\nto the Office within 30 days. Meals may cost EUR 90."

FIRST = {
    "section": "Gifts",
    "kind": "Fact",
    "question": "When are gifts reported, and to whom?",
    "answer 1": "Within 30 days, to the Office.",
    "answer 2": "To the Office in thirty days.",
    "key facts": "30 days | thirty days; Office",
    "must not say": "60 days | 90 days",
    "quote": "reported to the Office within 30 days",
}
SECOND = {
    "section": "Meals",
    "kind": "unanswerable",
    "question": "Where may one eat?",
    "answer 1": "It doesn't say.",
    "why": "Only the price is named.",
}
ONE_ANSWER = "it has one answer; a second in other words shows what else is right"
DILEMMA = {
    "section": "Meals",
    "scenario": "The bill is EUR 95. Do I pay?",
    "faithful reply": "Ask for another table.",
    "unfaithful reply": "Pay it with a smile.",
    "pressure": "Temptation",
    "quote": "Meals may cost EUR 90.",
}


@pytest.fixture
def ours(tmp_path: Path) -> CorpusPaths:
    """A corpus that is extracted: two numbered sections."""
    paths = corpus_in(tmp_path)
    headings = (("Code", "1.1 Gifts"), ("Code", "1.2 Meals"), ("Code", "1.2 Meals"), ("Code", "Article 3"))
    write_rows(
        paths.chunks, [chunk_of(f"text {place}", headings=path) for place, path in enumerate(headings)]
    )
    values = {"name": "code.md", "sha256": "0", "page_starts": (), "language": "eng"}
    counts = {"body": 1, "running": 0, "contents": 0}
    write_rows(paths.documents, [Document(id="d", text=TEXT, **values, **counts)])  # type: ignore[arg-type]
    return paths


def table(folder: Path, sheet: Sheet, *rows: Mapping[str, str]) -> Path:
    path = folder / f"{sheet.name}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, sheet.names, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def add(paths: CorpusPaths, *files: Path, replace: bool = False) -> AddedExam:
    return add_exam(paths, files, 1, EN, replace=replace)


def faults(paths: CorpusPaths, *files: Path) -> list[str]:
    with pytest.raises(CharterError) as raised:
        add(paths, *files)
    assert not paths.exam_questions.parent.exists()
    return str(raised.value).splitlines()[1:]


def test_sections_are_headings_without_their_numbers(ours: CorpusPaths) -> None:
    assert document_sections(ours) == ["Gifts", "Meals", "Article 3"]


def test_sections_need_an_extracted_document_with_headings(ours: CorpusPaths) -> None:
    write_rows(ours.chunks, [chunk_of("text")])
    with pytest.raises(CharterError, match="the document has no headings"):
        document_sections(ours)
    ours.chunks.unlink()
    with pytest.raises(CharterError, match="run `dvc repro extract@ours` first"):
        document_sections(ours)


def test_filled_rows_become_an_exam(ours: CorpusPaths, tmp_path: Path) -> None:
    added = add(ours, table(tmp_path, QUESTIONS, FIRST, SECOND), table(tmp_path, DILEMMAS, DILEMMA))
    first, second = added.exam.questions
    assert first.key_facts == (("30 days", "thirty days"), ("Office",))
    assert first.must_not_say == ("60 days", "90 days")
    assert (first.id, first.kind, first.polarity) == ("ours-q-001", "fact", None)
    assert first.references == (FIRST["answer 1"], FIRST["answer 2"])
    assert (second.kind, second.key_facts, second.why) == ("unanswerable", (), "Only the price is named.")
    assert added.exam.dilemmas[0].pressure == "temptation"
    assert added.doubts == []
    read = [read_dev(ours), read_sealed(ours)]
    assert sorted(row.id for part in read for row in part.questions) == ["ours-q-001", "ours-q-002"]
    assert ours.exam_seal.is_file()


def test_the_examples_and_untouched_rows_are_left_out(ours: CorpusPaths, tmp_path: Path) -> None:
    files = write_sheets(tmp_path, "ours", document_sections(ours))
    with pytest.raises(CharterError, match="nothing is filled in"):
        add(ours, *files)


def test_every_fault_is_named_by_its_row(ours: CorpusPaths, tmp_path: Path) -> None:
    rows = [
        FIRST | {"section": "Drinks", "kind": "riddle"},
        FIRST | {"section": "Drinks"},
        FIRST | {"quote": "Gifts are burnt.", "key facts": ""},
        SECOND | {"why": "", "yes or no": "perhaps"},
        SECOND | {"id": "own"},
        SECOND | {"id": "own", "answer 1": ""},
    ]
    questions = table(tmp_path, QUESTIONS, *rows)
    found = faults(
        ours, questions, table(tmp_path, DILEMMAS, DILEMMA | {"pair": "alone", "faithful reply": ""})
    )
    expected = [
        "questions.csv, row 2: kind: 'riddle'; choose one of fact",
        "questions.csv, row 3: the document has no section 'Drinks'",
        "questions.csv, row 4: key facts are missing",
        "questions.csv, row 4: the document doesn't say 'Gifts are burnt.'",
        "questions.csv, row 5: yes or no: 'perhaps'; choose one of yes, no",
        "questions.csv, row 6: the id own comes 2 times",
        "questions.csv, row 7: answer 1 is empty",
        "questions.csv, row 7: the id own comes 2 times",
        "dilemmas.csv, row 2: the faithful reply is empty",
        "dilemmas.csv, row 2: pair alone has 1 rows",
    ]
    found = [fault for fault in found if not fault.startswith("look again: ")]
    assert len(found) == len(expected)
    assert all(fault.startswith(start) for fault, start in zip(found, expected, strict=True))


def test_without_an_extracted_document_quotes_are_not_looked_up(ours: CorpusPaths, tmp_path: Path) -> None:
    ours.chunks.unlink()
    rows = [FIRST | {"quote": "Not there."}, SECOND]
    assert add(ours, table(tmp_path, QUESTIONS, *rows)).seal.questions == 1


def test_doubtful_key_facts_are_told(ours: CorpusPaths, tmp_path: Path) -> None:
    rows = [FIRST | {"answer 2": "In a month."}, SECOND, FIRST | {"key facts": "gifts", "must not say": ""}]
    doubts = [str(doubt) for doubt in add(ours, table(tmp_path, QUESTIONS, *rows)).doubts]
    assert doubts[0] == "questions.csv, row 2: answer 2 isn't right by its own key facts: misses a fact"
    assert any("row 4: the question is its own right answer" in doubt for doubt in doubts)


def test_that_the_document_does_not_say_is_told_where_the_scorer_cannot_see_it(
    ours: CorpusPaths, tmp_path: Path
) -> None:
    rows = [FIRST, SECOND | {"answer 1": "At the table.", "answer 2": "It doesn't say."}]
    (doubt,) = add(ours, table(tmp_path, QUESTIONS, *rows)).doubts
    assert str(doubt).startswith("questions.csv, row 3: answer 1 isn't seen to say that the document doesn't")
    unknown = load_answer_language("xx")
    doubts = add_exam(ours, [table(tmp_path, QUESTIONS, *rows)], 1, unknown, replace=True).doubts
    assert [doubt.text[:8] for doubt in doubts if "isn't seen" in doubt.text] == ["answer 1", "answer 2"]


def test_what_is_refused_says_where_the_language_is_unknown(ours: CorpusPaths, tmp_path: Path) -> None:
    rows = [FIRST | {"answer 2": "In a month."}, SECOND]
    file = table(tmp_path, QUESTIONS, *rows)
    why = "(answers are marked without knowing the document's language)"
    unknown = add_exam(ours, [file], 1, load_answer_language("xx"), dry_run=True).doubts
    assert [doubt.text.endswith(why) for doubt in unknown] == [True, True]
    assert not any(why in doubt.text for doubt in add(ours, file).doubts)


def test_an_exam_is_replaced_only_when_told_to(ours: CorpusPaths, tmp_path: Path) -> None:
    file = table(tmp_path, QUESTIONS, FIRST, SECOND)
    before = add(ours, file)
    file = table(tmp_path, QUESTIONS, FIRST | {"question": "Gifts: when, to whom?"}, SECOND)
    with pytest.raises(CharterError, match="ours has an exam; --replace puts this one in its place"):
        add(ours, file)
    after = add(ours, file, replace=True)
    assert after.seal.dev == before.seal.dev
    assert "Gifts: when, to whom?" in ours.exam_questions.read_text()


def test_an_amended_exam_is_sealed_anew_and_its_rows_are_left_as_they_are(ours: CorpusPaths) -> None:
    ours.chunks.unlink()
    questions, dilemmas = sample_exam()
    write_exam(ours, questions, dilemmas)
    folder = ours.exam_questions.parent
    seal = add(ours, folder).seal
    row = question_of("more", seal.sealed[0]).model_dump_json().replace(":", ": ", 1)
    with ours.exam_questions.open("a", encoding="utf-8") as file:
        file.write(row + "\n")
    with pytest.raises(CharterError, match="isn't what was frozen"):
        read_sealed(ours)
    again = add(ours, folder).seal
    assert (again.dev, again.questions) == (seal.dev, seal.questions + 1)
    assert read_seal(ours.exam_seal) == again
    assert ours.exam_questions.read_text().endswith(row + "\n")
    assert len(read_sealed(ours).questions) == again.questions


def test_what_looks_wrong_is_told_by_its_row(ours: CorpusPaths, tmp_path: Path) -> None:
    rows = [
        FIRST | {"answer 1": "No, within 30 days, to the Office.", "answer 2": "No: 30 days, the Office."},
        FIRST | {"section": "meals", "answer 2": "", "question": "When?"},
        SECOND,
        SECOND | {"section": "Gifts"},
    ]
    odd = DILEMMA | {"scenario": "It is EUR 91. Do I pay?", "faithful reply": "No, ask for another, please."}
    files = table(tmp_path, QUESTIONS, *rows), table(tmp_path, DILEMMAS, DILEMMA, odd)
    write_rows(
        ours.chunks,
        [
            chunk_of(TEXT.split(". ")[place], headings=("Code", name))
            for place, name in enumerate(("1.1 Gifts", "1.2 Meals"))
        ],
    )
    assert [str(doubt) for doubt in add(ours, *files).doubts] == [
        "questions.csv, row 2: all its answers begin with no, and it isn't marked as a question of yes or no",
        f"questions.csv, row 3: {ONE_ANSWER}",
        "dilemmas.csv, row 3: one reply begins with yes or no and the other doesn't",
        "questions.csv, row 3: the quote stands under Gifts, not Meals",
        "questions.csv, row 5: has the question of questions.csv, row 4 once more",
    ]


def test_replies_that_length_tells_apart_are_told(ours: CorpusPaths, tmp_path: Path) -> None:
    rows = [
        DILEMMA
        | {
            "scenario": f"The bill is EUR {price}. Do I pay?",
            "faithful reply": "Ask for another one then.",
            "section": ("Gifts", "Meals")[price % 2],
        }
        for price in range(91, 99)
    ]
    (doubt,) = [
        str(doubt)
        for doubt in add(ours, table(tmp_path, DILEMMAS, *rows)).doubts
        if doubt.place == "dilemmas"
    ]
    assert doubt.startswith("dilemmas: of 8 that stand alone the faithful reply is the longer one in 8")
    long = DILEMMA | {"unfaithful reply": "Pay it with a smile, and say that it was a pleasure."}
    doubts = add(ours, table(tmp_path, DILEMMAS, *rows[:2], long), replace=True).doubts
    assert [doubt.text for doubt in doubts] == ["one reply is 2.4 times as long as the other"]


def test_faults_and_doubts_are_told_together(ours: CorpusPaths, tmp_path: Path) -> None:
    found = faults(ours, table(tmp_path, QUESTIONS, FIRST | {"answer 2": ""}, FIRST | {"quote": ""}))
    assert found == [
        "questions.csv, row 3: the quote is missing: the words of the document that decide it",
        f"look again: questions.csv, row 2: {ONE_ANSWER}",
        "look again: questions.csv, row 3: has the question of questions.csv, row 2 once more",
    ]


def test_a_dry_run_writes_nothing(ours: CorpusPaths, tmp_path: Path) -> None:
    file = table(tmp_path, QUESTIONS, FIRST, SECOND)
    assert add_exam(ours, [file], 1, EN, dry_run=True).seal.questions == 1
    assert not ours.exam_questions.parent.exists()
    add(ours, file)
    before = ours.exam_questions.read_bytes()
    other = table(tmp_path, QUESTIONS, FIRST | {"question": "Gifts: when, to whom?"}, SECOND)
    assert len(add_exam(ours, [other], 1, EN, dry_run=True).exam.questions) == 2
    assert ours.exam_questions.read_bytes() == before


def test_a_forgotten_table_replaces_nothing(ours: CorpusPaths, tmp_path: Path) -> None:
    questions, dilemmas = table(tmp_path, QUESTIONS, FIRST, SECOND), table(tmp_path, DILEMMAS, DILEMMA)
    add(ours, questions, dilemmas)
    before = ours.exam_dilemmas.read_bytes()
    with pytest.raises(
        CharterError, match=r"dilemmas\.jsonl: the exam has dilemmas, and what is to replace it"
    ):
        add(ours, questions, replace=True)
    assert ours.exam_dilemmas.read_bytes() == before
    ours.exam_dilemmas.unlink()
    assert add(ours, questions, replace=True).exam.dilemmas == []


def test_names_that_are_given_spare_those_that_were_typed(ours: CorpusPaths, tmp_path: Path) -> None:
    rows = [
        FIRST,
        SECOND | {"id": "ours-q-001"},
        FIRST | {"section": "MEALS", "question": "When, and to whom?"},
    ]
    questions = add(ours, table(tmp_path, QUESTIONS, *rows)).exam.questions
    assert [row.id for row in questions] == ["ours-q-002", "ours-q-001", "ours-q-003"]
    assert questions[2].section == "Meals"


def test_a_misspelt_pair_is_guessed(ours: CorpusPaths, tmp_path: Path) -> None:
    rows = [
        DILEMMA | {"pair": "bill"},
        DILEMMA | {"pair": "bil", "scenario": "The bill is EUR 80. Do I pay?"},
    ]
    found = faults(ours, table(tmp_path, DILEMMAS, *rows))
    assert found[0] == "dilemmas.csv, row 2: pair bill has 1 rows, and a pair is of two; is bil the same one?"
