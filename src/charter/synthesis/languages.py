"""What the filters know of a language: languages/NAME.yaml has its patterns, and says what each is for."""

import re
from functools import cache
from importlib import resources
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from charter.documents.language_codes import short_code
from charter.project.records import Chunk
from charter.project.yaml_text import parse_yaml

_NOTHING = re.compile(r"(?!)")

Pattern = Annotated[
    re.Pattern[str], BeforeValidator(lambda alternatives: re.compile("|".join(alternatives), re.IGNORECASE))
]


class Language(BaseModel):
    """The patterns and words of a language; what isn't given matches nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    yes_word: str = ""
    no_word: str = ""
    source: Pattern = _NOTHING
    mention: Pattern = _NOTHING
    dangling: Pattern = _NOTHING
    attribution: Pattern = _NOTHING
    asks_time: Pattern = _NOTHING
    time: Pattern = _NOTHING
    asks_reason: Pattern = _NOTHING
    reason: Pattern = _NOTHING
    yes_or_no: Pattern = _NOTHING
    asks_norm: Pattern = _NOTHING
    turned_round: Pattern = _NOTHING
    asks_duty: Pattern = _NOTHING
    duty: Pattern = _NOTHING
    refers_back: Pattern = _NOTHING
    norm: Pattern = _NOTHING
    unanswered: Pattern = _NOTHING
    cited_reason: Pattern = _NOTHING
    cited_behind: Pattern = _NOTHING
    cited_before: Pattern = _NOTHING
    written_numbers: tuple[str, ...] = ()
    """From two on; "one" is mostly none."""

    def has(self, *patterns: str) -> bool:
        """Return whether the language has all of these patterns."""
        return all(getattr(self, name) is not _NOTHING for name in patterns)

    def states_norm(self, rule: str) -> bool:
        """Return whether a rule allows, demands or forbids something; False without patterns."""
        return self.norm.search(rule) is not None

    def answer_word(self, response: str) -> str | None:
        """Return Yes or No where a response begins with the language's word for it and a pause, else None.

        "No one may ask" and "No se puede" begin with other words.
        """
        for word, spelling in (("Yes", self.yes_word), ("No", self.no_word)):
            if spelling and re.match(rf"{spelling}(?:\s*[,.;:!–—-]|$)", response):
                return word
        return None

    def begin_with_word(self, word: str, sentence: str) -> str:
        """Return a sentence behind the language's word for Yes or No, by itself where it has none."""
        spelling = self.yes_word if word == "Yes" else self.no_word
        return f"{spelling}. {sentence}" if spelling else sentence

    def without_citation(self, answer: str) -> str:
        """Return an answer that states its rule, where it said which passage states it.

        "No, it isn't. The passage says that R." becomes "No, it isn't, because R.", and "Yes, it is, as
        stated in Article 9 of the Declaration." becomes "Yes, it is.".
        """
        stated = self.cited_reason.sub(", because ", answer)
        stated = self.cited_before.sub("", self.cited_behind.sub("", stated))
        return stated[:1].upper() + stated[1:]


def language_of(chunk: Chunk) -> Language:
    """Return what the filters know of a chunk's language."""
    return load_language(short_code(chunk.language))


@cache
def load_language(name: str | None) -> Language:
    """Return a language by its ISO 639-1 code; one without a file, or that isn't known, has no patterns."""
    file = resources.files("charter.synthesis") / f"languages/{name}.yaml"
    if name is None or not file.is_file():
        return Language()
    text = file.read_text(encoding="utf-8")
    source = "|".join(parse_yaml(text).get("source", ()))
    return Language.model_validate(parse_yaml(text.replace("SOURCE", source)))
