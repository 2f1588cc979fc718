import pytest

from charter.documents.lines import TextLine


@pytest.mark.parametrize(
    "text",
    [
        "It ends.",
        "Does it?”",
        "它结束。",
        "सब समान हैं।",
        "هل يجوز؟",
        "سب برابر ہیں۔",
        "「はい。」",
        "Բոլորն ազատ են։",
    ],
)
def test_a_sentence_ends_in_the_marks_of_its_script(text: str) -> None:
    assert TextLine(text, 0).ends_sentence
    assert not TextLine(text.rstrip(".?”。।؟۔」։") + " x", 0).ends_sentence


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("a) one", True),
        ("(iv) four", True),
        ("б) два", True),
        ("β) δύο", True),
        ("- one", True),
        ("an", False),
    ],
)
def test_items_of_lists_are_known_by_letters_of_other_alphabets_too(text: str, item: bool) -> None:
    assert TextLine(text, 0).is_item is item
