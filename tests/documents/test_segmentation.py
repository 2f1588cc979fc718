from pathlib import Path

import pytest

from charter.documents.segmentation import split_sentences, split_words
from charter.project.yaml_text import parse_yaml

CODES = Path(__file__).parent.parent.parent / "src/charter/documents/language_codes.yaml"


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One rule. Another one!  A third?", ["One rule.", "Another one!", "A third?"]),
        ("1. Everyone may.\n\n2. Nobody must.", ["1. Everyone may.", "2. Nobody must."]),
        ("First line\nsecond line", ["First line", "second line"]),
        ("See No. 5 and Mr. Smith. He knows.", ["See No. 5 and Mr. Smith.", "He knows."]),
        ("不得施以酷刑。人人平等。", ["不得施以酷刑。", "人人平等。"]),
        ("See Sec. 5 and para. 2. They differ.", ["See Sec. 5 and para. 2.", "They differ."]),
        ("Pack the .tar.{gz,xz} file. Sign it.", ["Pack the .tar.{gz,xz} file.", "Sign it."]),
        ("2.10. “Work” means this.", ["2.10. “Work” means this."]),
        ("人々は自由だ。「はい。」す。何か", ["人々は自由だ。", "「はい。」", "す。", "何か"]),
        ("सब समान हैं। कोई दास नहीं।", ["सब समान हैं।", "कोई दास नहीं।"]),
        ("هل يجوز؟ لا يجوز. انتهى.", ["هل يجوز؟", "لا يجوز.", "انتهى."]),
        (" \n ", []),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


def test_abbreviations_are_those_of_the_language() -> None:
    text = "Das ist z. B. gut. Am 3. Oktober ist frei."
    assert split_sentences(text, "deu") == ["Das ist z. B. gut.", "Am 3. Oktober ist frei."]
    assert len(split_sentences(text)) > 2


@pytest.mark.parametrize("language", [*parse_yaml(CODES.read_text(encoding="utf-8")), "xyz", None])
def test_sentences_are_parted_in_every_language_that_is_known(language: str | None) -> None:
    end = "։" if language == "hye" else "."
    sentences = [f"Alpha beta{end}", f"Gamma delta{end}"]
    assert split_sentences(" ".join(sentences), language) == sentences


def test_words_are_lower_case_and_of_any_script() -> None:
    assert split_words("Co-operation of 14 STATES: l'État, права!") == [
        *("co", "operation", "of", "14", "states", "l", "état", "права"),
    ]
    assert split_words("人权, ok") == ["人", "权", "ok"]
    assert split_words("*** —") == []
