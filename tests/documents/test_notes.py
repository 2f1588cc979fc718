from pathlib import Path

import pytest
from reportlab.pdfgen.canvas import Canvas

from charter.documents.extraction import extract_document
from charter.documents.notes import place_raised
from office_files import write_docx, write_epub

MARKED = (
    'It was refused.<sup>1</sup> Up to 10<sup>2</sup> gifts <b>of</b> 5 m<sup class="x">2</sup> on the '
    '2<sup>nd</sup> day.<sup><a href="#n3">[3]</a></sup> A word<a href="#n4">4</a> and section '
    '<a href="#s5">5</a>.'
)
PLACED = "It was refused. Up to 10² gifts of 5 m² on the 2nd day. A word⁴ and section 5."


def text_of(path: Path) -> str:
    return extract_document(path, path.name).text.strip()


def test_raised_numbers_of_a_page_make_no_other_numbers(tmp_path: Path) -> None:
    (tmp_path / "x.html").write_text(f"<html><body><p>{MARKED}</p><support>10</support></body></html>")
    assert text_of(tmp_path / "x.html").startswith(PLACED)


def test_raised_numbers_of_markdown_make_no_other_numbers(tmp_path: Path) -> None:
    marked = MARKED.replace('<a href="#n4">4</a>', "[4](#n4)")
    (tmp_path / "x.md").write_text(f"{marked} And this[^a], 10^2^.\n\n[^a]: Noted.\n")
    assert text_of(tmp_path / "x.md") == f"{PLACED} And this, 10².\n\nNoted."


def test_raised_numbers_of_a_book_make_no_other_numbers(tmp_path: Path) -> None:
    write_epub(tmp_path / "x.epub", f"<p>{MARKED}</p>")
    assert text_of(tmp_path / "x.epub") == PLACED


def test_raised_numbers_of_word_make_no_other_numbers(tmp_path: Path) -> None:
    def run(text: str, raised: bool = False) -> str:
        style = '<w:rPr><w:vertAlign w:val="superscript"/></w:rPr>' if raised else ""
        return f'<w:r>{style}<w:t xml:space="preserve">{text}</w:t></w:r>'

    runs = run("It was refused.") + run("1", True) + run(" Up to 10") + run("2", True) + run(" gifts.")
    write_docx(tmp_path / "x.docx", f"<w:p>{runs}</w:p>")
    assert text_of(tmp_path / "x.docx") == "It was refused. Up to 10² gifts."


def test_marks_of_a_pdf_are_known_by_their_notes(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "x.pdf"))
    lines = [
        "Whatever is offered must be declared and mostly it was refused.1 The gifts that are worth",
        "more than the limit2 are handed in with sha256 and libc6; the rule is in part B.7 of this book.",
        "A limit is set for gifts of every kind, and for invitations to a meal as well as for travel.",
        "1 By the board.",
        "2 See below.",
    ]
    for number, line in enumerate(lines):
        canvas.drawString(72, 700 - 14 * number, line)
    canvas.save()
    text = text_of(tmp_path / "x.pdf")
    assert "it was refused. The gifts" in text
    assert "the limit² are handed in with sha256 and libc6; the rule is in part B.7 of" in text


@pytest.mark.parametrize(
    ("raised", "placed"),
    [
        ("10[-9]", "10⁻⁹"),
        ("word[1, 2]", "word¹ ²"),
        ("Right.”[*]", "Right.”"),
        ("[1] The note.", "1 The note."),
    ],
)
def test_raised_text_is_placed(raised: str, placed: str) -> None:
    assert place_raised(raised.replace("[", "\ue004").replace("]", "\ue005")) == placed
