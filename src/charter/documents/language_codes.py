"""The codes and names of languages."""

from functools import cache
from importlib import resources

from charter.project.yaml_text import parse_yaml


def short_code(language: str | None) -> str | None:
    """Return the ISO 639-1 code of a language by its ISO 639-3 code, None where it isn't known."""
    return _table().get(language or "", (None, None))[0]


def language_name(language: str | None) -> str | None:
    """Return the English name of a language by its ISO 639-3 code, None where it isn't known."""
    return _table().get(language or "", (None, None))[1]


@cache
def _table() -> dict[str, tuple[str, str]]:
    text = resources.files("charter.documents").joinpath("language_codes.yaml").read_text(encoding="utf-8")
    return {code: (short, name) for code, (short, name) in parse_yaml(text).items()}
