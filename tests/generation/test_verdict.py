"""Verdicts in words: what is read, and what stays unscored."""

import pytest

from charter.generation.verdict import read_choice, without_thinking

YES_NO, LETTERS = ("Yes", "No"), ("A", "B")


@pytest.mark.parametrize(
    ("text", "choices", "word"),
    [
        ("Yes", YES_NO, "Yes"),
        (" no.", YES_NO, "No"),
        ("YES!", YES_NO, "Yes"),
        ("**Answer: Yes**", YES_NO, "Yes"),
        ("The answer is **no**, because of the rule.", YES_NO, "No"),
        ("By the passage this is allowed.\n\nAnswer: yes", YES_NO, "Yes"),
        ("Yes, since no person may be tortured.", YES_NO, "Yes"),
        ('{"answer": "No"}', YES_NO, "No"),
        ('```json\n{"answer": "yes", "reason": "No one may."}\n```', YES_NO, "Yes"),
        ('Here it is: {"answer": "No"} I hope it helps.', YES_NO, "No"),
        ("<think>Yes? No, wait.</think>No", YES_NO, "No"),
        ("No, wait. The user asks</think>\n\nYes", YES_NO, "Yes"),
        ('{"answer": true}', ("True", "False"), "True"),
        ("It is not True. False.", ("True", "False"), "False"),
        ("I prefer answer B.", LETTERS, "B"),
        ("A person would prefer B", LETTERS, "B"),
        ("Antwort: **Ja**", ("Ja", "Nein"), "Ja"),
        ("Das ist erlaubt.\nAntwort: ja", ("Ja", "Nein"), "Ja"),
        ("Nein, das ist verboten.", ("Ja", "Nein"), "Nein"),
        ("はい。", ("はい", "いいえ"), "はい"),
        ("答えは「いいえ」です。", ("はい", "いいえ"), "いいえ"),
        ("نعم.", ("نعم", "لا"), "نعم"),
        ("Is snow white? Reply with one word, Yes or No.", YES_NO, None),
        ("Reply with True or False.", ("True", "False"), None),
        ("Yes and No, really.", YES_NO, None),
        ("Answer: Yes. On second thought, answer: No.", YES_NO, None),
        ("No one knows.", YES_NO, None),
        ("It isn't True.", ("True", "False"), None),
        ("A person may do that.", LETTERS, None),
        ("I can't say.", YES_NO, None),
        ('{"answer": "maybe"}', YES_NO, None),
        ('{"answer": "Yes", "opposite": "No"}', YES_NO, None),
        ("<think>Yes, I think", YES_NO, None),
        ("Nothing", YES_NO, None),
        ("", YES_NO, None),
    ],
)
def test_a_word_is_read_or_nothing(text: str, choices: tuple[str, ...], word: str | None) -> None:
    assert read_choice(text, choices) == word


def test_thoughts_are_cut_wherever_they_begin() -> None:
    for text in ("<think>a</think>b", "a</think>b", "<think>a</think><think>c</think>b", "b"):
        assert without_thinking(text) == "b"
    assert without_thinking("b<think>a") == ""
