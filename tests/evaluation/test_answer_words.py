"""Words as they are compared: numbers, money, signs and scripts."""

import pytest

from charter.evaluation.answer_language import AnswerLanguage, load_answer_language
from charter.evaluation.answer_words import split_answer

EN = load_answer_language("en")


def words(text: str, language: AnswerLanguage = EN) -> str:
    return split_answer(text, language).text


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("forty-five days", "45 days"),
        ("one hundred and ten", "110"),
        ("a hundred euros", "EUR 100"),
        ("€1,250", "1 250 euros"),
        ("EUR 1.250", "EUR 1250"),
        ("two million", "2 million"),
        ("EUR 2.5 million", "€2,500,000"),
        ("1,25 million", "1 250 000"),
        ("2.0 thousand", "2000"),
        ("one hundred and two thousand", "102,000"),
        ("com\u00adpli\u00adance", "compliance"),
        ("twenty-one thousand five hundred", "21,500"),
        ("50 %", "fifty per cent"),
        ("2,5 days", "2.5 days"),
        ("1½ years", "1.5 years"),
        ("1 ½ years", "1,5 years"),
        ("½ day", "0.5 day"),
        ("¾ of 1,000½ m", "0.75 of 1000.5 m"),
        ("2⅓", "2.3333"),
        ("11m/s", "11 m/s"),
        ("15th of February", "15 th of february"),
        ("well‐being", "well-being"),
        ("doesn’t", "does not"),
        ("He mustn't", "he must not"),
        ("the person’s control", "person control"),
        ("Café, NAÏVE", "cafe naive"),
        ("１２ months", "12 months"),
        ("१२ दिन", "12 दिन"),
    ],
)
def test_ways_of_writing_are_one(first: str, second: str) -> None:
    assert words(first) == words(second)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("two or three", "2 or 3"),
        ("sixty and six", "60 and 6"),
        ("ten twenty", "10 20"),
        ("0.125", "0·125"),
        ("3,4,5", "3·4·5"),
        ("no one", "no 1"),
        ("one hundred and you", "100 and you"),
        ("between one hundred and two hundred", "between 100 and 200"),
        ("1.2.3 million", "1·2·3 1000000"),
    ],
)
def test_what_is_no_single_number_stays_apart(text: str, expected: str) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("25", "within 250 days", False),
        ("25", "within 25 days", True),
        ("no", "it is not so", False),
        ("EUR 50", "up to fifty euros each", True),
        ("sign", "the signs", False),
        ("one vote", "a vote, one vote", True),
        ("三十日", "必须在三十日内报告", True),
        ("三十日", "必须在三十天内报告", False),
        ("الحق", "له الحق في", True),
    ],
)
def test_phrases_are_found_by_whole_words(phrase: str, text: str, found: bool) -> None:
    assert bool(list(split_answer(text, EN).find(split_answer(phrase, EN).words))) is found


def test_nothing_is_found_by_no_words() -> None:
    assert not list(split_answer("some words", EN).find(()))


def test_clauses_end_at_pauses_and_before_clause_words() -> None:
    text = split_answer("Not today, but tomorrow because it rains; 2.5 days", EN)
    places = [(0, 1), (2, 3), (4, 5)]
    clauses = [text.words[clause.start : clause.stop] for clause in map(text.clause, places)]
    assert clauses == [("not", "today"), ("but", "tomorrow"), ("because", "it", "rains")]
    assert text.words[-2:] == ("2·5", "days")


def test_a_language_without_a_file_folds_case_and_signs_only() -> None:
    unknown = load_answer_language("xx")
    assert unknown == AnswerLanguage()
    assert words("Fünfzig €, NICHT später", unknown) == "funfzig nicht spater"
    assert not unknown.unanswered.search("does not say")


def test_english_has_every_part() -> None:
    assert EN.model_fields_set == AnswerLanguage.model_fields.keys()
