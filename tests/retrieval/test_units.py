"""What is searched: chunks, or sentences that can be read by themselves."""

import pytest

from charter.retrieval.units import readable_sentences, search_text, units_of
from rows import chunk_of

TEXT = "Gifts are reported. Nobody may offer one.\n\nHospitality is entered in the register."


def test_a_chunk_is_searched_whole_or_by_its_sentences() -> None:
    chunk = chunk_of(TEXT)
    assert units_of([chunk], "chunk") == [(chunk, None)]
    units = units_of([chunk, chunk_of("Dogs stay outside.")], "sentence")
    assert [own.narrowed(span).text for own, span in units] == [
        "Gifts are reported.",
        "Nobody may offer one.",
        "Hospitality is entered in the register.",
        "Dogs stay outside.",
    ]


def test_headings_are_searched_with_it() -> None:
    chunk = chunk_of(TEXT, headings=("6 Integrity", "6.1 Gifts"))
    assert search_text(chunk) == f"6 Integrity\n6.1 Gifts\n{TEXT}"
    assert search_text(chunk, readable_sentences(chunk)[0]) == "6.1 Gifts\nGifts are reported."


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (
            "You must not:\n- accept cash;\n- hide it. Ever.\nYou may accept a pen.",
            ["You must not:\n- accept cash;\n- hide it. Ever.", "You may accept a pen."],
        ),
        (
            "Nobody may:\n\n(a) steal\n\n(b) lie\n\nThieves go. Liars too.",
            ["Nobody may:\n\n(a) steal\n\n(b) lie", "Thieves go.", "Liars too."],
        ),
        ("One rule holds: be kind. Be early.", ["One rule holds: be kind.", "Be early."]),
        ("Note:\nDogs stay out. Cats may come in.", ["Note:\nDogs stay out.", "Cats may come in."]),
        ("禁止事项：\n- 收受现金\n可以收笔。", ["禁止事项：\n- 收受现金", "可以收笔。"]),
        ("It ends in one:", ["It ends in one:"]),
    ],
)
def test_what_ends_in_a_colon_stays_with_what_it_introduces(text: str, sentences: list[str]) -> None:
    chunk = chunk_of(text)
    assert [chunk.narrowed(span).text for span in readable_sentences(chunk)] == sentences
