from pathlib import Path

import pytest

from charter.documents.extraction import extract_document
from charter.documents.markdown import looks_like_markdown

MARKDOWN = (
    "# Code of Conduct\n\nBe honest &amp; fair: R&amp;D stays &lt; 5&nbsp;%.\n\n## [Gifts](#gifts)\n\n"
    "A gift is *anything* of\nvalue.\n"
)
PLAIN = (
    "# Code of Conduct\n\nBe honest & fair: R&D stays < 5\xa0%.\n\n## Gifts\n\nA gift is anything of value.\n"
)


def read(path: Path, text: str) -> str:
    path.write_text(text)
    return extract_document(path, path.name).text


def test_a_text_file_that_holds_markdown_is_read_as_markdown(tmp_path: Path) -> None:
    assert read(tmp_path / "code.txt", MARKDOWN) == PLAIN


def test_entities_are_decoded_and_headings_may_be_links(tmp_path: Path) -> None:
    assert read(tmp_path / "code.md", MARKDOWN) == PLAIN


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("# One\n\nText.\n\n# Two\n", True),
        ("# One\n\nSee [this](http://x.y).\n", True),
        ("Text.\n\n# of gifts: three.\n", False),
        ("# a comment of a script\n# and its second line\nrun\n\n# another one\nrun\n", False),
        ("1. Gifts\n========\n\n- one\n", False),
    ],
)
def test_markdown_is_told_by_headings_of_their_own(text: str, markdown: bool) -> None:
    assert looks_like_markdown(text) is markdown


def test_an_escaped_hash_stays_text(tmp_path: Path) -> None:
    assert read(tmp_path / "x.md", "\\# of gifts: three\n") == "\\# of gifts: three\n"


def test_of_two_headings_in_a_row_the_second_is_the_title_of_the_first(tmp_path: Path) -> None:
    text = read(tmp_path / "law.html", "<h2>Chapter 1</h2><h2>Gifts</h2><h3>Article 1</h3><p>None.</p>")
    assert text == "## Chapter 1: Gifts\n\n### Article 1\n\nNone.\n"
    apart = "<h2>Gifts</h2><h2>Travel</h2><p>None.</p>"
    assert read(tmp_path / "apart.html", apart) == "## Gifts\n\n## Travel\n\nNone.\n"


def test_lists_tables_and_blocks_keep_their_form(tmp_path: Path) -> None:
    source = (
        "3. three\n\n   more\n4. four\n\n> quoted\n\n<div>a <b>b</b><br></div>\n\n"
        "| A | B\\|C |\n|:--|--:|\n| 1 | `x` |\n"
    )
    assert read(tmp_path / "x.md", source) == (
        "3. three\n\n   more\n\n4. four\n\nquoted\n\na b\n\n| A | B\\|C |\n|---|---|\n| 1 | x |\n"
    )


def test_what_a_page_shows_in_angle_brackets_is_text(tmp_path: Path) -> None:
    assert read(tmp_path / "x.html", "<p>Keep &lt;name&gt; in R&amp;D.</p>") == "Keep <name> in R&D.\n"
