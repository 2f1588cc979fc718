"""Which chunk a quote of the exam stands in."""

from charter.evaluation.exam_quotes import find_quotes, letters
from rows import chunk_of


def test_line_breaks_and_signs_make_no_difference() -> None:
    chunks = [
        chunk_of("Gifts over EUR 50\nare refused."),
        chunk_of("Others are kept — and\nreported within 30 days."),
    ]
    quotes = [
        "Others are kept - and reported within 30 days",
        "Gifts over EUR 50 are refused.",
        "",
        "Not said.",
    ]
    assert find_quotes(quotes, chunks) == [chunks[1].id, chunks[0].id, "", ""]
    assert letters("Straße 5 – ÉTÉ!") == "strasse5été"


def test_a_quote_over_two_chunks_is_of_the_one_that_has_most_of_it() -> None:
    chunks = [chunk_of("The office decides."), chunk_of("It answers within ten days. Nobody else may.")]
    assert find_quotes(["The office decides. It answers within ten days."], chunks) == [chunks[1].id]
    assert find_quotes(["The office decides. It"], chunks) == [chunks[0].id]
