"""How the parts of laws and codes are called and numbered: Article 5, Kapitel II, Статья 3, 第一条."""

import re
from dataclasses import dataclass

# English, German, French, Spanish, Portuguese, Italian, Dutch, Polish, Czech, Russian, Ukrainian, Greek,
# Turkish, Vietnamese, Indonesian, Arabic, Hindi. Figures and tables are numbered too, so it must be a list.
_NAMES = (
    "article|section|chapter|part|annex|appendix|schedule|artikel|kapitel|abschnitt|teil|anhang|anlage|chapitre|"
    "partie|annexe|titre|artículo|capítulo|sección|parte|anexo|título|artigo|seção|secção|articolo|capitolo|capo|"
    "sezione|allegato|titolo|hoofdstuk|afdeling|deel|bijlage|artykuł|rozdział|dział|załącznik|článek|kapitola|část|"
    "příloha|статья|глава|раздел|часть|приложение|стаття|розділ|άρθρο|κεφάλαιο|madde|bölüm|điều|chương|pasal|bab|"
    "المادة|مادة|الفصل|الباب|अनुच्छेद|अध्याय|§"
)
_NUMBERED = re.compile(
    rf"(?P<name>{_NAMES})\s*(?<=[\s§])(?P<number>\d{{1,4}}[a-z]?|[ivxlcdm]{{1,7}}|[a-z])(?![\w.]\w)(?P<rest>\b.*)",
    re.IGNORECASE,
)
_EAST_ASIAN = re.compile(
    r"第\s?(?P<number>[\d〇零一二三四五六七八九十百千两]+)\s?(?P<name>[编編篇章节節条條款])(?P<rest>.*)"
    r"|제\s?(?P<korean>\d+)\s?(?P<part>[편장절관조])(?P<title>.*)"
)
_SPELLED = re.compile(
    rf"(?P<name>{_NAMES})\s+(?P<number>[^\W\d_]+(?:-[^\W\d_]+)?)(?::\s(?P<title>.*))?", re.IGNORECASE
)
_NAME = re.compile(_NAMES, re.IGNORECASE)
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}


@dataclass(frozen=True)
class Division:
    """A numbered part: its kind, its number where that is no word, and its title, which may be empty."""

    kind: str
    number: int | None
    title: str


def read_division(text: str) -> Division | None:
    """Read a line that begins as a part does, "Chapter II: Duties" or "CHAPTER SEVEN"; None for another.

    A number in words is read only where all letters are capitals: "Part time" is no part.
    """
    if (match := _NUMBERED.fullmatch(text)) and not _title(match["rest"])[:1].islower():
        return Division(match["name"].casefold(), _value(match["number"]), _title(match["rest"]))
    if match := _EAST_ASIAN.fullmatch(text):
        number, name, title = match.groups()[:3] if match["name"] else match.groups()[3:]
        return Division(name, _value(number), _title(title))
    if (match := _SPELLED.fullmatch(text)) and match["name"].isupper() and match["number"].isupper():
        return Division(match["name"].casefold(), None, match["title"] or "")
    return None


def names_division(text: str) -> bool:
    """Whether a line is the name of a kind of part and nothing else: its number is on the next line."""
    return _NAME.fullmatch(text) is not None


def titled(division: str, title: str) -> str:
    """Put the title of a part behind its number."""
    return f"{division}{'' if division[-1] in '.:)–—-' else ':'} {title}"


def _title(rest: str) -> str:
    return rest.strip().lstrip(".:)–—- ").strip()


def _value(number: str) -> int | None:
    """The value of digits or Roman numerals, or a letter's place in the alphabet; None for another."""
    if not number.isascii() or number[0].isdecimal():
        return int(number) if number.isdecimal() else None
    digits = number.casefold()
    if len(digits) == 1 and digits not in "ivx":
        return ord(digits) - ord("a") + 1
    values = [_ROMAN[digit] for digit in digits]
    return sum(-one if one < two else one for one, two in zip(values, [*values[1:], 0], strict=True))
