"""What the scorer of exam answers knows of a language: languages/NAME.yaml says what each part is for."""

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from charter.documents.corpus_language import main_language
from charter.documents.language_codes import short_code
from charter.project.records import Chunk
from charter.project.yaml_text import parse_yaml

_NOTHING = re.compile(r"(?!)")

Pattern = Annotated[re.Pattern[str], BeforeValidator(lambda alternatives: re.compile("|".join(alternatives)))]


class AnswerLanguage(BaseModel):
    """Words and patterns of a language, lower case; what isn't given is empty and matches nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    articles: frozenset[str] = frozenset()
    spellings: dict[str, str] = {}
    endings: tuple[str, ...] = ()
    currencies: frozenset[str] = frozenset()
    numbers: dict[str, int] = {}
    units: frozenset[str] = frozenset()
    number_joiner: str | None = None
    clause_words: frozenset[str] = frozenset()
    negators: tuple[str, ...] = ()
    bounds: frozenset[str] = frozenset()
    alternatives: frozenset[str] = frozenset()
    ranges: frozenset[str] = frozenset()
    leads: Pattern = _NOTHING
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    pronouns: frozenset[str] = frozenset()
    auxiliaries: frozenset[str] = frozenset()
    hedges: Pattern = _NOTHING
    unanswered: Pattern = _NOTHING
    empty: frozenset[str] = frozenset()
    fixed_answers: dict[str, str] = {}


def language_of_answers(chunks: Iterable[Chunk]) -> AnswerLanguage:
    """Return the language that most of a corpus is in."""
    return load_answer_language(short_code(main_language(chunk.language for chunk in chunks)))


@cache
def load_answer_language(name: str | None) -> AnswerLanguage:
    """Return a language by its ISO 639-1 code; an unknown one folds case and signs only."""
    file = resources.files("charter.evaluation") / f"languages/{name}.yaml"
    if name is None or not file.is_file():
        return AnswerLanguage()
    return AnswerLanguage.model_validate(parse_yaml(file.read_text(encoding="utf-8")))
