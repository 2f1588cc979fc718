import pytest

from charter.synthesis.word_weights import WordWeights, stems
from rows import chunk_of

WEIGHTS = WordWeights(
    [
        chunk_of("The supplier must pay. The buyer must wait."),
        chunk_of("The guest must sign.\nThe audit must end."),
    ]
)


def test_words_are_compared_by_their_beginning() -> None:
    assert stems("Suppliers audited") == stems("supplier's audit") - {"s"}


def test_what_every_sentence_has_weighs_less_than_what_one_has() -> None:
    common, rare = (
        WEIGHTS.share("The must supplier", stems("the must")),
        WEIGHTS.share("must audit", {"audit"}),
    )
    # ln(5 / 5) + 1 = 1 for each of "the" and "must", ln(5 / 2) + 1 = 1.916 for "supplier".
    assert common == pytest.approx(2 / 3.916, abs=1e-3)
    assert rare == pytest.approx(1.916 / 2.916, abs=1e-3)


def test_a_word_that_the_corpus_lacks_weighs_most() -> None:
    assert WEIGHTS.share("zebra audit", {"audit"}) < 0.5


@pytest.mark.parametrize(
    ("text", "known", "share"), [("", {"a"}, 0.0), ("Pay!", set(), 0.0), ("Pay!", {"pay"}, 1.0)]
)
def test_extremes(text: str, known: set[str], share: float) -> None:
    assert WEIGHTS.share(text, known) == share
