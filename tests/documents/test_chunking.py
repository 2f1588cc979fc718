import random
import re

import pytest

from charter.documents.chunking import chunk_document, chunked_share
from charter.documents.lines import count_letters
from charter.project.records import Document

MARKS = [
    "# Title\n",
    "## Sub title\n",
    "####### not a heading\n",
    "#nor this\n",
    "```\n",
    "| a | b |\n",
    "- item\n",
]
BLANKS = ["\n\n", "\n", " ", "\t", "\f", "\r\n", "\u200b", "\u2028", "\ufeff"]
TEXTS = [
    "A sentence ends here. ",
    "Another, e.g. this one? ",
    "No. 5 stays! ",
    "1. First\n",
    "“Quoted.” ",
    "...",
]
SCRIPTS = ["東京都。京都府。", "لا يجوز. ", "é", "e\u0301", "🙂", "word " * 30, "x" * 90]
PIECES = MARKS + BLANKS + TEXTS + SCRIPTS


def count_words(text: str) -> int:
    """Four characters or a part of them are a token, and so is each blank-separated word."""
    return sum(-(-len(word) // 4) for word in text.split())


def document(text: str, page_starts: tuple[int, ...] = ()) -> Document:
    return Document(
        id="i",
        name="n.md",
        sha256="s",
        text=text,
        page_starts=page_starts,
        language=None,
        body=count_letters(text),
        running=0,
        contents=0,
    )


@pytest.mark.parametrize("seed", range(150))
def test_spans_are_exact_ordered_and_complete(seed: int) -> None:
    chance = random.Random(seed)
    text = "".join(chance.choice(PIECES) for _ in range(chance.randint(0, 60)))
    source = document(text)
    maximum = chance.choice([3, 10, 40])
    chunks = chunk_document(source, maximum, maximum // 3, count_words)
    end = 0
    for chunk in chunks:
        assert text[chunk.start : chunk.end] == chunk.text
        assert chunk.text == chunk.text.strip() != ""
        assert count_words(chunk.text) <= maximum
        assert chunk.start >= end
        end = chunk.end
    assert len({chunk.id for chunk in chunks}) == len(chunks)
    # What is in no chunk is blank or a heading.
    outside = list(text)
    for chunk in chunks:
        outside[chunk.start : chunk.end] = "\0" * len(chunk.text)
    for line in "".join(outside).splitlines():
        rest = line.replace("\0", "").strip()
        assert not rest or re.match(r"#{1,6}\s", rest)


def test_short_articles_stay_chunks_of_their_own() -> None:
    text = "# Declaration\n\n" + "\n\n".join(f"## Article {n}\n\nRight {n}." for n in range(1, 6))
    chunks = chunk_document(document(text), 100, 50, count_words)
    assert [chunk.text for chunk in chunks] == [f"Right {n}." for n in range(1, 6)]
    assert [chunk.headings for chunk in chunks] == [("Declaration", f"Article {n}") for n in range(1, 6)]


def test_heading_path_follows_levels() -> None:
    text = "intro\n# A\n## B\nunder b\n#### C\nunder c\n## D\nunder d\n# E\nunder e\n"
    chunks = chunk_document(document(text), 100, 1, count_words)
    assert [(chunk.headings, chunk.text) for chunk in chunks] == [
        ((), "intro"),
        (("A", "B"), "under b"),
        (("A", "B", "C"), "under c"),
        (("A", "D"), "under d"),
        (("E",), "under e"),
    ]


def test_long_section_is_cut_at_paragraphs_first_then_sentences() -> None:
    text = "# S\n\nOne two. Six.\n\nTen.\n\nNine ten eleven. Fourteen, e.g. Tax, fits.\n"
    chunks = chunk_document(document(text), 7, 1, count_words)
    assert [chunk.text for chunk in chunks] == [
        "One two. Six.\n\nTen.",
        "Nine ten eleven.",
        "Fourteen, e.g. Tax, fits.",
    ]


def test_small_rest_shares_with_its_neighbour() -> None:
    paragraphs = [f"para {n} has some words" for n in range(4)]
    text = "# S\n\n" + "\n\n".join(paragraphs) + "\n\nend\n"
    size = count_words(paragraphs[0])
    chunks = chunk_document(document(text), 4 * size, size, count_words)
    assert [chunk.text for chunk in chunks] == [
        "\n\n".join(paragraphs[:2]),
        "\n\n".join([*paragraphs[2:], "end"]),
    ]


def test_small_beginning_shares_with_its_neighbour() -> None:
    text = "# S\n\nNever:\n\nOne two three. Four five six. Seven eight nine.\n"
    chunks = chunk_document(document(text), 14, 4, count_words)
    assert [chunk.text for chunk in chunks] == [
        "Never:\n\nOne two three.",
        "Four five six. Seven eight nine.",
    ]


def test_equal_passages_have_ids_of_their_own_that_do_not_depend_on_their_place() -> None:
    one = chunk_document(document("# A\n\nsame\n\n# A\n\nsame\n"), 100, 1, count_words)
    two = chunk_document(document("# New\n\nfirst\n\n# A\n\nsame\n"), 100, 1, count_words)
    assert one[0].id != one[1].id
    assert two[1].id == one[0].id


def test_pages_of_a_chunk_leave_out_empty_pages() -> None:
    text = "a" * 10 + "\n\n" + "b" * 10 + "\n\n" + "c" * 10
    source = document(text, page_starts=(0, 5, 5, 12, 24))
    chunks = chunk_document(source, 3, 1, count_words)
    assert [(chunk.text, chunk.pages) for chunk in chunks] == [
        ("a" * 10, (1, 3)),
        ("b" * 10, (4,)),
        ("c" * 10, (5,)),
    ]


def test_coverage_sees_what_is_missing() -> None:
    source = document("# T\n\naaaa\n\n# U\n\nbb bb\n")
    chunks = chunk_document(source, 100, 1, count_words)
    assert chunked_share(source, chunks) == 1.0
    assert chunked_share(source, chunks[:1]) == 0.5


def test_coverage_is_of_the_text_before_cleaning() -> None:
    source = document("aaaa\n").model_copy(update={"body": 16})
    assert chunked_share(source, chunk_document(source, 100, 1, count_words)) == 0.25


def test_a_heading_counts_where_a_chunk_has_it() -> None:
    source = document("# aaa\n\n## bb\n\n" + "c" * 10 + "\n\n# ddddd\n")
    chunks = chunk_document(source, 100, 1, count_words)
    assert [chunk.headings for chunk in chunks] == [("aaa", "bb")]
    assert chunked_share(source, chunks) == 0.75
