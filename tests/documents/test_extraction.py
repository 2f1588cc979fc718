import re
import sys
from io import StringIO
from pathlib import Path

import pytest
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from charter.documents.extraction import extract_document, extract_documents
from charter.project.errors import CharterError
from guidelines_pdf import sentences, write_guidelines, write_plain_pdf
from office_files import write_docx, write_epub, write_pptx

ROOT = Path(__file__).parent.parent.parent


def squeeze(text: str) -> str:
    return " ".join(text.split())


def test_pdf_keeps_every_sentence_and_drops_what_only_pages_have(tmp_path: Path) -> None:
    written = write_guidelines(tmp_path / "guidelines.pdf")
    document = extract_document(tmp_path / "guidelines.pdf", "guidelines.pdf")
    text = squeeze(document.text)
    assert [sentence for sentence in written if sentence not in text] == []
    assert "Acme Holding" not in text
    assert "Edition 3" not in text
    assert ". . ." not in text
    assert "Contents" not in text


def test_pdf_headings_have_their_levels(tmp_path: Path) -> None:
    write_guidelines(tmp_path / "guidelines.pdf", chapters=3)
    document = extract_document(tmp_path / "guidelines.pdf", "guidelines.pdf")
    headings = [line for line in document.text.split("\n") if line.startswith("#")]
    assert headings == [
        "# 1. Chapter on payments",
        "## 1.1 How payments are handled",
        "## 1.2 How payments are handled",
        "# 2. Chapter on conflicts",
        "## 2.1 How conflicts are handled",
        "## 2.2 How conflicts are handled",
        "# 3. Chapter on invitations",
        "## 3.1 How invitations are handled",
        "## 3.2 How invitations are handled",
    ]


def test_pdf_pages_begin_where_their_text_does(tmp_path: Path) -> None:
    write_guidelines(tmp_path / "guidelines.pdf")
    document = extract_document(tmp_path / "guidelines.pdf", "guidelines.pdf")
    starts = document.page_starts
    assert list(starts) == sorted(starts)
    assert starts[0] == 0
    # The contents were page 2, so it is empty; the first chapter is on page 3.
    assert starts[1] == starts[2]
    assert document.text[starts[2] :].startswith("# 1. Chapter")


def test_pdf_paragraphs_are_not_cut_at_lines_or_pages(tmp_path: Path) -> None:
    written = write_guidelines(tmp_path / "guidelines.pdf")
    document = extract_document(tmp_path / "guidelines.pdf", "guidelines.pdf")
    whole = sum(sentence in document.text for sentence in written)
    assert whole >= 0.98 * len(written)


def test_pdf_without_headings_is_paragraphs(tmp_path: Path) -> None:
    paragraphs = [" ".join(sentences(seed, 4)) for seed in range(30)]
    write_plain_pdf(tmp_path / "plain.pdf", paragraphs)
    document = extract_document(tmp_path / "plain.pdf", "plain.pdf")
    assert "#" not in document.text
    assert squeeze(document.text) == squeeze(" ".join(paragraphs))
    assert len(document.page_starts) > 1


def test_committed_guidelines() -> None:
    document = extract_document(ROOT / "data/raw/bcg.pdf", "bcg.pdf")
    source = (ROOT / "data/raw/bcg.md").read_text(encoding="utf-8")
    sections = re.findall(r"^### (.+)$", source, re.MULTILINE)
    headings = re.findall(r"^## \d+\.\d+ (.+)$", document.text, re.MULTILINE)
    assert headings == sections
    words = re.findall(r"\w+", document.text)
    for paragraph in re.findall(r"^[A-Z][^\n|#]{200,}$", source.split("\n## ", 1)[1], re.MULTILINE):
        assert " ".join(re.findall(r"\w+", paragraph)) in " ".join(words)
    assert "Page 5 of" not in document.text


def test_html_is_text_with_headings_and_no_markup(tmp_path: Path) -> None:
    articles = "".join(
        f"<article><h2>Article {n}</h2><p>Right <b>{n}</b> &amp; duty.</p></article>" for n in range(1, 31)
    )
    (tmp_path / "declaration.html").write_text(
        "<!doctype html><html><head><title>English</title><style>p {}</style><script>var x</script></head>"
        f"<body><h1>Declaration</h1>{articles}</body></html>"
    )
    text = extract_document(tmp_path / "declaration.html", "declaration.html").text
    expected = "".join(f"\n\n## Article {n}\n\nRight {n} & duty." for n in range(1, 31))
    assert text == f"# Declaration{expected}\n"


def test_html_loses_nothing_where_its_head_says_much(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        '<html><head><meta name="description" content="two\n\nlines: of text"><meta name="a" content="# b">'
        "<title>T</title></head><body class='x'><p>First rule.</p><hr><p>Second rule.</p></body></html>"
    )
    document = extract_document(tmp_path / "page.html", "page.html")
    assert document.text == "First rule.\n\nSecond rule.\n"
    assert document.body == len("FirstruleSecondrule")


def test_what_stands_between_two_rules_is_no_front_matter(tmp_path: Path) -> None:
    (tmp_path / "policy.md").write_text("---\nAll of this\nis text.\n\n---\n\nMore [text](http://x.y/z).\n")
    document = extract_document(tmp_path / "policy.md", "policy.md")
    assert "is text." in document.text
    assert document.body == len("AllofthisistextMoretext")


def test_what_was_removed_from_a_pdf_is_counted_apart(tmp_path: Path) -> None:
    write_guidelines(tmp_path / "guidelines.pdf")
    document = extract_document(tmp_path / "guidelines.pdf", "guidelines.pdf")
    assert document.language == "eng"
    assert min(document.running, document.contents) > 100
    assert document.body == sum(map(str.isalnum, document.text))


def test_utf16_text_is_read(tmp_path: Path) -> None:
    (tmp_path / "policy.txt").write_bytes("Правила для всех.\r\n".encode("utf-16"))
    assert extract_document(tmp_path / "policy.txt", "policy.txt").text == "Правила для всех.\n"


def test_slides_are_pages(tmp_path: Path) -> None:
    write_pptx(
        tmp_path / "talk.pptx",
        *(f"<a:p><a:r><a:t>Rule {n} is kept.</a:t></a:r></a:p>" for n in (1, 2)),
    )
    document = extract_document(tmp_path / "talk.pptx", "talk.pptx")
    assert [document.text[start:].split("\n")[0] for start in document.page_starts] == [
        "## Rule 1 is kept.",
        "## Rule 2 is kept.",
    ]


def test_docx_keeps_characters_that_xml_escapes(tmp_path: Path) -> None:
    write_docx(
        tmp_path / "terms.docx",
        "<w:p><w:r><w:t>Terms &amp; conditions: at most &lt;5 gifts, R&amp;D 7&gt;6.</w:t></w:r></w:p>",
    )
    text = extract_document(tmp_path / "terms.docx", "terms.docx").text
    assert text == "Terms & conditions: at most <5 gifts, R&D 7>6.\n"


def test_epub_is_read(tmp_path: Path) -> None:
    write_epub(tmp_path / "book.epub", "<h1>Code</h1><p>Be honest.</p>")
    assert extract_document(tmp_path / "book.epub", "book.epub").text == "# Code\n\nBe honest.\n"


def test_markdown_loses_markup_and_keeps_everything_else(tmp_path: Path) -> None:
    (tmp_path / "policy.md").write_text(
        "---\ntitle: x\n---\n# Policy #\n\nSee **this** [page](http://x.y), not a_b_c or 2 * 3 * 4.\n\n"
        "Gifts\n-----\n\n- one\n- two\n  - inner\n- three\n\n| A | B |\n|---|---|\n| 1 | 2 |\n\n"
        "```\n# no heading, **as is**\n```\n\n![logo](logo.png)\n\n<!-- hidden -->last\\!\n"
    )
    assert extract_document(tmp_path / "policy.md", "policy.md").text == (
        "# Policy\n\nSee this page, not a_b_c or 2 * 3 * 4.\n\n## Gifts\n\n- one\n- two\n  - inner\n- three\n"
        "\n| A | B |\n|---|---|\n| 1 | 2 |\n\n```\n# no heading, **as is**\n```\n\nlast!\n"
    )


def test_plain_text_in_wrapped_lines_becomes_paragraphs(tmp_path: Path) -> None:
    (tmp_path / "policy.txt").write_text(
        "Every employee must report a gift that is worth more than fifty euros\n"
        "to the ethics office within five working days of the day on which it\n"
        "was received.\n\n# of gifts: three.\n"
    )
    document = extract_document(tmp_path / "policy.txt", "policy.txt")
    first, second = document.text.strip().split("\n\n")
    assert first.endswith(
        "fifty euros to the ethics office within five working days of the day on which it was received."
    )
    assert second == "\\# of gifts: three."
    assert document.page_starts == ()


def test_underlined_lines_of_a_text_are_headings(tmp_path: Path) -> None:
    (tmp_path / "policy.txt").write_text(
        "******\nPolicy\n******\n\nGifts\n=====\n\nNone is taken.\n\n-----\n\n"
        "2. Travel\n=========\n\nIt is paid\n----------\n\nAlways.\n"
    )
    assert extract_document(tmp_path / "policy.txt", "policy.txt").text == (
        "# Policy\n\n## Gifts\n\nNone is taken.\n\n-----\n\n## 2. Travel\n\n### It is paid\n\nAlways.\n"
    )


def test_ligatures_and_joined_hyphens_are_letters(tmp_path: Path) -> None:
    (tmp_path / "x.md").write_text("An of\ufb01cial con\ufb02ict is speci\xadfied.\n")
    assert extract_document(tmp_path / "x.md", "x.md").text == "An official conflict is specified.\n"
    canvas = Canvas(str(tmp_path / "x.pdf"))
    canvas.drawString(72, 700, "Every conflict of interest is one that must be spec-")
    canvas.drawString(72, 686, "ified before it is too late to do so in the book of the year.")
    canvas.save()
    text = extract_document(tmp_path / "x.pdf", "x.pdf").text
    assert "must be specified before" in text
    assert "\x02" not in text


@pytest.mark.parametrize("terminal", [True, False])
def test_a_bar_with_the_time_left_is_for_terminals_only(
    terminal: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        write_plain_pdf(tmp_path / f"{number}.pdf", [" ".join(sentences(number, 4))])
    written = StringIO()
    monkeypatch.setattr(written, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stderr", written)
    assert len(list(extract_documents(tmp_path))) == 3
    bar = r"Reading documents: 100%.* 3/3 \[\d\d:\d\d<\d\d:\d\d"
    assert (re.search(bar, written.getvalue()) is not None) is terminal
    assert terminal or written.getvalue() == ""
    # The library's own lines would go to the descriptors.
    assert capfd.readouterr() == ("", "")


def test_folder_is_read_in_order_and_names_stay_apart(tmp_path: Path) -> None:
    for name in ("b/policy.md", "a/policy.md", "z.txt", ".hidden.txt", ".git/config.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("Same text.\n")
    documents = list(extract_documents(tmp_path))
    assert [document.name for document in documents] == ["a/policy.md", "b/policy.md", "z.txt"]
    assert len({document.id for document in documents}) == 3


def _encrypted(path: Path) -> None:
    canvas = Canvas(str(path), encrypt=StandardEncryption("secret"))
    canvas.drawString(72, 700, "hidden")
    canvas.save()


def _blank(path: Path) -> None:
    canvas = Canvas(str(path))
    canvas.rect(10, 10, 100, 100)
    canvas.save()


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("missing.pdf", lambda _: None, "no such file"),
        ("empty.pdf", lambda path: path.write_bytes(b""), "empty"),
        ("blank.txt", lambda path: path.write_text(" \n \n"), "empty"),
        ("scan.pdf", _blank, "OCR"),
        ("secret.pdf", _encrypted, "password"),
        ("broken.pdf", lambda path: path.write_bytes(b"%PDF-1.4\nnot really"), "corrupt"),
        ("broken.docx", lambda path: path.write_bytes(b"PK\x03\x04 not really"), "corrupt"),
        ("broken.pptx", lambda path: path.write_bytes(b"PK\x03\x04 not really"), "corrupt"),
        ("old.txt", lambda path: path.write_bytes("Café".encode("latin-1")), "UTF-8"),
        ("table.xyz", lambda path: path.write_text("text"), "unsupported type .xyz"),
        ("nothing", lambda path: path.mkdir(), "no files"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, write, message: str) -> None:
    path = tmp_path / name
    write(path)
    with pytest.raises(CharterError, match=message) as caught:
        list(extract_documents(path))
    assert str(path) in str(caught.value)


def test_unreadable_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "dangling.md").symlink_to(tmp_path / "gone.md")
    with pytest.raises(CharterError, match="dangling"):
        extract_document(tmp_path / "dangling.md", "dangling.md")


def test_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("private")
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "linked.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(CharterError, match=r"linked\.txt.*leads out of"):
        list(extract_documents(folder))
