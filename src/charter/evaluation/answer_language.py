"""What the scorer of exam answers knows of a language: languages/NAME.yaml says what each part is for."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, cached_property
from importlib import resources
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator
from ruamel.yaml.error import YAMLError

from charter.documents.corpus_language import main_language
from charter.documents.language_codes import language_name, short_code
from charter.project.errors import CharterError
from charter.project.records import Chunk
from charter.project.yaml_text import parse_yaml

_NOTHING = re.compile(r"(?!)")
_ACCENTS = re.compile("[\u0300-\u036f]")
_INNER_SIGN = re.compile(r"[^\w']")

_AS_WRITTEN = {"fixed_answers", "thousands", "empty_decimals"}
_PATTERNS = {"leads", "hedges", "unanswered"}


def _alternatives(patterns: Any) -> re.Pattern[str]:
    if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
        raise ValueError("should be a list of patterns")
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
    return re.compile("|".join(patterns)) if patterns else _NOTHING


Pattern = Annotated[re.Pattern[str], BeforeValidator(_alternatives)]


class AnswerLanguage(BaseModel):
    """Words and patterns of a language, lower case; what isn't given is empty and matches nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accented: frozenset[str] = frozenset()
    articles: frozenset[str] = frozenset()
    spellings: dict[str, str] = {}
    elisions: dict[str, str] = {}
    endings: tuple[str, ...] = ()
    currencies: frozenset[str] = frozenset()
    thousands: frozenset[str] = frozenset(",.' ")
    empty_decimals: tuple[str, ...] = ()
    numbers: dict[str, int] = {}
    compound_numbers: bool = False
    units: frozenset[str] = frozenset()
    number_joiner: str | None = None
    tens_joiner: str | None = None
    divisions: frozenset[str] = frozenset()
    clause_words: frozenset[str] = frozenset()
    negators: tuple[str, ...] = ()
    bounds: frozenset[str] = frozenset()
    bounds_before: frozenset[str] = frozenset()
    bound_reach: int = 2
    alternatives: frozenset[str] = frozenset()
    ranges: frozenset[str] = frozenset()
    leads: Pattern = _NOTHING
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    paused: frozenset[str] = frozenset()
    pronouns: frozenset[str] = frozenset()
    auxiliaries: frozenset[str] = frozenset()
    asked_anywhere: bool = False
    negator_reach: int = 1
    not_only: frozenset[str] = frozenset()
    hedges: Pattern = _NOTHING
    unanswered: Pattern = _NOTHING
    empty: frozenset[str] = frozenset()
    fixed_answers: dict[str, str] = {}

    @model_validator(mode="before")
    @classmethod
    def _fold(cls, values: Any) -> Any:
        """Fold what is compared with folded words, so that a file may be written as the language is."""
        if not isinstance(values, dict):
            return values
        listed = values.get("accented")
        kept = [word for word in listed if isinstance(word, str)] if isinstance(listed, list) else []
        return {
            key: value if key in _AS_WRITTEN else _folded(value, key, kept) for key, value in values.items()
        }

    @property
    def known(self) -> bool:
        """Whether there is a file of it: without one, no yes, no or "it doesn't say" is recognised."""
        return bool(self.model_fields_set)

    @cached_property
    def number_parts(self) -> re.Pattern[str]:
        """The parts of a number that is written in one word, the longest first."""
        words = sorted((word for word in self.numbers if " " not in word), key=len, reverse=True)
        return re.compile("|".join(map(re.escape, [*words, *filter(None, [self.number_joiner])])))

    @cached_property
    def compounds(self) -> re.Pattern[str]:
        """A number in one word, and perhaps its unit: "zweihundertfünfzig", "dreißigtägig"."""
        if not self.compound_numbers:
            return _NOTHING
        spelt = {word for word, written in self.spellings.items() if self.units & {*written.split()[:1]}}
        tails = "|".join(map(re.escape, self.units | spelt))
        return re.compile(f"((?:{self.number_parts.pattern})+)({tails})?")

    @cached_property
    def number_phrases(self) -> dict[tuple[str, ...], str]:
        """Numbers of several words, by these, the longest first."""
        phrases = sorted((name for name in self.numbers if " " in name), key=lambda name: -len(name.split()))
        return {tuple(name.split()): name for name in phrases}

    @cached_property
    def signs(self) -> list[tuple[re.Pattern[str], str]]:
        """What is spelt otherwise before signs are dropped: signs, and words with a hyphen."""
        found = []
        for name, written in self.spellings.items():
            if not name[0].isalnum():
                found.append((re.compile(re.escape(name)), written))
            elif _INNER_SIGN.search(name):
                hyphened = re.escape(name).replace(r"\-", "[-\u2010]")
                found.append((re.compile(rf"(?<!\w){hyphened}(?!\w)"), written))
        return found


def without_accents(text: str, kept: Iterable[str] = ()) -> str:
    """Leave accents and variants of a sign out, but for words that are others without."""
    words = "|".join(map(re.escape, kept))
    if not words:
        return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text)))
    # In a pattern such a word may stand behind \b.
    whole = rf"((?:(?<=\\b)|(?<![^\W\d_]))(?:{words})(?![^\W\d_]))"
    parts = re.split(whole, unicodedata.normalize("NFC", text))
    return "".join(part if place % 2 else without_accents(part) for place, part in enumerate(parts))


def _folded(value: Any, key: str, kept: Iterable[str]) -> Any:
    match value:
        case str():
            # Case has a meaning in patterns: \W is another thing than \w.
            text = value.replace("ß", "ss") if key in _PATTERNS else value.casefold()
            return without_accents(text, kept)
        case list():
            return [_folded(item, key, kept) for item in value]
        case dict():
            return {_folded(name, key, kept): _folded(item, key, kept) for name, item in value.items()}
    return value


def language_of_answers(chunks: Iterable[Chunk]) -> AnswerLanguage:
    """Return the language that most of a corpus is in."""
    return load_answer_language(short_code(main_language(chunk.language for chunk in chunks)))


def unmarked_sentence(language: str | None) -> str:
    """Say what isn't seen in answers in a language, by its ISO 639-3 code; empty where it has a file."""
    code, name = short_code(language), language_name(language)
    if load_answer_language(code).known:
        return ""
    if code and name:
        why = f"Charter has no file on {name}"
        remedy = (
            f"Add src/charter/evaluation/languages/{code}.yaml, copied from en.yaml and put into {name}, and "
            "commit it."
        )
    else:
        why = "The document's language isn't known"
        remedy = "Run the stage extract, or name the language in params.yaml, under corpora.CORPUS.language."
    return (
        f'{why}, so answers are marked without knowing the language: a wrong yes or no, "A or B", guesses, '
        "number words and \"the document doesn't say\" aren't recognised. So a gate on unanswerable can't "
        f"hold. {remedy}"
    )


@cache
def load_answer_language(name: str | None) -> AnswerLanguage:
    """Return a language by its ISO 639-1 code; an unknown one folds case and signs only.

    Raises:
        CharterError: Its file is broken.
    """
    file = resources.files("charter.evaluation") / f"languages/{name}.yaml"
    if name is None or not file.is_file():
        return AnswerLanguage()
    return parse_answer_language(file.read_text(encoding="utf-8"), str(file))


def parse_answer_language(text: str, source: str) -> AnswerLanguage:
    """Read what a language's file has; ``source`` names it in errors.

    Raises:
        CharterError: It isn't YAML; or one line a bad key: the key, and what is wrong with it.
    """
    try:
        return AnswerLanguage.model_validate(parse_yaml(text))
    except YAMLError as error:
        raise CharterError(f"{source}: this file of a language is not YAML: {error}") from error
    except ValidationError as error:
        lines = []
        for item in error.errors():
            key = ".".join(map(str, item["loc"])) or "(the whole file)"
            problem = item["msg"].removeprefix("Value error, ")
            lines.append(f"{source}: {key}: {problem}")
        message = "\n".join(lines)
        raise CharterError(f"a file of a language has faults; mend these keys:\n{message}") from error
