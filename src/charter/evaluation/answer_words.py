"""The words of an answer as they are compared: case, accents, signs and ways of writing numbers folded."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from charter.documents.segmentation import UNSPACED
from charter.evaluation.answer_language import AnswerLanguage, without_accents

Span = tuple[int, int]
"""First word and the one behind the last."""

_FRACTION = re.compile(r"(\d\s?)?([¼-¾⅐-⅞])")
_DECIMAL = re.compile(r"(?<=\d)[.,](?=\d)")
_PAUSE = re.compile(r"[.,;:!?()\n。、，；：！？।]|\s[-–—]\s|—")
_MIXED = re.compile(r"(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)")
_POINT = "\u00b7"
_SOFT_HYPHEN = "\u00ad"
_DECIMALS = re.compile(rf"\d+{_POINT}\d+")


@dataclass(frozen=True)
class Words:
    """Folded words, and the number of the clause that each stands in."""

    words: tuple[str, ...]
    clauses: tuple[int, ...]

    def find(self, phrase: Sequence[str]) -> Iterator[Span]:
        """Go through the places where the phrase stands, whole words only."""
        size = len(phrase)
        wanted = tuple(phrase)
        for start in range(len(self.words) - size + 1 if size else 0):
            if self.words[start : start + size] == wanted:
                yield start, start + size

    def clause(self, span: Span) -> range:
        """The words of the clauses that a span lies in."""
        start, end = span
        while start > 0 and self.clauses[start - 1] == self.clauses[span[0]]:
            start -= 1
        while end < len(self.words) and self.clauses[end] == self.clauses[span[1] - 1]:
            end += 1
        return range(start, end)

    def length(self, end: int) -> int:
        """How long it is up to a word; two characters of an unspaced script are one, as in `count_words`."""
        unspaced = sum(UNSPACED.match(word) is not None for word in self.words[:end])
        return end - unspaced // 2

    @property
    def text(self) -> str:
        """The words with a blank between."""
        return " ".join(self.words)


def split_answer(text: str, language: AnswerLanguage) -> Words:
    """Fold a text and split it into words: digits for numbers, currencies before amounts, no articles."""
    found: list[tuple[str, int]] = []
    clause = 0
    for part in _PAUSE.split(_fold(text, language)):
        clause += 1
        for word in _words(part, language):
            clause += word in language.clause_words
            found.append((word, clause))
    found = _joined(list(_without_articles(found, language)), language)
    found = _currency_first(list(_in_digits(found, language)), language)
    return Words(tuple(word for word, _ in found), tuple(number for _, number in found))


def _fold(text: str, language: AnswerLanguage) -> str:
    """Without case, accents and variants of a sign; digits of all scripts as 0-9, numbers without marks."""
    text = text.casefold().replace("’", "'").replace("‘", "'").replace(_SOFT_HYPHEN, "")
    text = _FRACTION.sub(_in_decimals, text)
    text = without_accents(text, language.accented)
    text = "".join(
        str(unicodedata.decimal(sign)) if unicodedata.category(sign) == "Nd" else sign for sign in text
    )
    text = _thousands(language.thousands).sub(lambda number: re.sub(r"\D", "", number[0]), text)
    for ending in language.empty_decimals:
        text = re.sub(rf"(?<=\d){re.escape(ending)}(?!\d)", "", text)
    return _DECIMAL.sub(_POINT, text)


@cache
def _thousands(marks: frozenset[str]) -> re.Pattern[str]:
    mark = "|".join(map(re.escape, marks)) or "(?!)"
    return re.compile(rf"(?<![\d.,])[1-9]\d{{0,2}}(?P<mark>{mark})\d{{3}}(?:(?P=mark)\d{{3}})*(?!\d)")


def _in_decimals(fraction: re.Match[str]) -> str:
    """Write 1½ as 1.5 and ½ as 0.5, thirds and the like to four places."""
    whole = (fraction[1] or "0").strip()
    return whole + f"{unicodedata.numeric(fraction[2]):.4g}".removeprefix("0")


def _words(text: str, language: AnswerLanguage) -> Iterator[str]:
    for sign, written in language.signs:
        text = f" {written} ".join(sign.split(text))
    kept = "".join(
        sign if unicodedata.category(sign)[0] in "LMN" or sign in f"'{_POINT}" else " " for sign in text
    )
    for word in _MIXED.sub(" ", UNSPACED.sub(r" \g<0> ", kept)).split():
        bare = word.strip("'")
        if bare not in language.spellings:
            elided = next((start for start in language.elisions if bare.startswith(start)), "")
            yield from language.elisions.get(elided, "").split()
            bare = bare.removeprefix(elided)
            if compound := language.compounds.fullmatch(bare):
                yield _compound_value(compound[1], language) or compound[1]
                bare = compound[2] or ""
        for ending in language.endings if bare not in language.spellings else ():
            bare = bare.removesuffix(ending)
        yield from language.spellings.get(bare, bare).split()


def _compound_value(word: str, language: AnswerLanguage) -> str:
    """Return the digits of a number in one word; empty where it is a word as any, such as an article."""
    parts = [(part, 0) for part in language.number_parts.findall(word)]
    value, end = _read_number(parts, 0, language)
    return str(value) if len(parts) > 1 and end == len(parts) else ""


def _without_articles(
    words: Sequence[tuple[str, int]], language: AnswerLanguage
) -> Iterator[tuple[str, int]]:
    """Leave out articles, but for those that are a number here: "un mois", "treinta y un"."""
    for place, (word, clause) in enumerate(words):
        if word not in language.articles or (word in language.numbers and _counts(words, place, language)):
            yield word, clause


def _counts(words: Sequence[tuple[str, int]], place: int, language: AnswerLanguage) -> bool:
    """Say whether a unit follows, or tens with their joiner come before."""
    if place + 1 < len(words) and words[place + 1][0] in language.units:
        return True
    return (
        place > 1 and words[place - 1][0] == language.tens_joiner and words[place - 2][0] in language.numbers
    )


def _joined(words: Sequence[tuple[str, int]], language: AnswerLanguage) -> list[tuple[str, int]]:
    """Make one of words that are one number together: "quatre vingt"."""
    found: list[tuple[str, int]] = []
    place = 0
    while place < len(words):
        for phrase, name in language.number_phrases.items():
            if tuple(word for word, _ in words[place : place + len(phrase)]) == phrase:
                found.append((name, words[place][1]))
                place += len(phrase)
                break
        else:
            found.append(words[place])
            place += 1
    return found


def _in_digits(words: Sequence[tuple[str, int]], language: AnswerLanguage) -> Iterator[tuple[str, int]]:
    """Write numbers in digits: "forty five" is 45, "2 million" 2000000, "2.5 million" 2500000."""
    place = 0
    while place < len(words):
        word, clause = words[place]
        scale = language.numbers.get(words[place + 1][0], 0) if place + 1 < len(words) else 0
        if scale >= 1000 and _DECIMALS.fullmatch(word):
            amount = Decimal(word.replace(_POINT, ".")) * scale
            yield f"{amount.normalize():f}".replace(".", _POINT), clause
            place += 2
            continue
        if word not in language.numbers and not (word.isdigit() and scale >= 1000):
            yield words[place]
            place += 1
            continue
        value, place = _read_number(words, place, language)
        yield str(value), clause


def _read_number(words: Sequence[tuple[str, int]], place: int, language: AnswerLanguage) -> tuple[int, int]:
    """Read the number that begins at a place; return it, and the place behind it."""
    whole, part = 0, 0
    begun = False
    while place < len(words):
        word = words[place][0]
        if begun and _joins(words, place, whole + part, language):
            place += 1
            continue
        value = language.numbers.get(word)
        if value is None and not begun and word.isdigit():
            part = int(word)
        elif value is None:
            break
        elif value >= 1000:
            whole, part = whole + max(1, part) * value, 0
        elif value == 100:
            part = max(1, part) * 100
        elif part % 100 == 0 or (part % 100 >= 20 and part % 10 == 0 and value < 10):
            part += value
        else:
            break
        begun = True
        place += 1
    return whole + part, place


def _joins(words: Sequence[tuple[str, int]], place: int, number: int, language: AnswerLanguage) -> bool:
    """Say whether a word joins the number before it to what follows: "a hundred and ten", "treinta y uno"."""
    word = words[place][0]
    following, behind = (words[at][0] if at < len(words) else "" for at in (place + 1, place + 2))
    if word == language.tens_joiner and number % 100 >= 20 and number % 10 == 0:
        return 0 < language.numbers.get(following, 0) < 10
    if word != language.number_joiner or number % 100 or number < 100:
        return False
    # "one hundred and two hundred" are two numbers, "one hundred and two thousand" is one.
    return language.numbers.get(following, 100) < 100 and language.numbers.get(behind) != 100


def _currency_first(words: Sequence[tuple[str, int]], language: AnswerLanguage) -> list[tuple[str, int]]:
    """Write "50 eur" as "eur 50"."""
    turned = list(words)
    is_currency = [word in language.currencies for word, _ in words]
    for place, (word, _) in enumerate(words[:-1]):
        if word[0].isdigit() and is_currency[place + 1] and not (place and is_currency[place - 1]):
            turned[place : place + 2] = words[place + 1], words[place]
    return turned
