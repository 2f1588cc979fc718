"""What the filters know of a language: languages/NAME.yaml has its patterns, and says what each is for."""

import re
from functools import cache
from importlib import resources
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from charter.project.yaml_text import parse_yaml

_NOTHING = re.compile(r"(?!)")

Pattern = Annotated[
    re.Pattern[str], BeforeValidator(lambda alternatives: re.compile("|".join(alternatives), re.IGNORECASE))
]


class Language(BaseModel):
    """The patterns of a language; what isn't given matches nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Pattern = _NOTHING
    mention: Pattern = _NOTHING
    dangling: Pattern = _NOTHING
    attribution: Pattern = _NOTHING
    asks_time: Pattern = _NOTHING
    time: Pattern = _NOTHING
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
    declining: Pattern = _NOTHING
    written_numbers: tuple[str, ...] = ()


@cache
def load_language(name: str) -> Language:
    """Return a language by its ISO 639-1 code; one without a file has no patterns."""
    file = resources.files("charter.synthesis") / f"languages/{name}.yaml"
    if not file.is_file():
        return Language()
    text = file.read_text(encoding="utf-8")
    source = "|".join(parse_yaml(text)["source"])
    return Language.model_validate(parse_yaml(text.replace("SOURCE", source)))
