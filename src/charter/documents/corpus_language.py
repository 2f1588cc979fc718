"""Which language a corpus is in, and which models aren't known to know it."""

from collections import Counter
from collections.abc import Iterable
from functools import cache
from importlib import resources

from charter.documents.language_codes import language_name, short_code
from charter.project.errors import CharterError
from charter.project.model_sections import BaseModels
from charter.project.yaml_text import parse_yaml

_CONSEQUENCES = {
    "seed": "it has to learn the language along with the document, and may write it badly",
    "teacher": "read what it wrote, and trust its verdicts less",
    "encoder": "duplicates, retrieval and BERTScore are less reliable",
}


def set_language(corpus: str, language: str) -> str | None:
    """Return the language that ``corpora.CORPUS.language`` of params.yaml sets, None where it is ``auto``.

    Raises:
        CharterError: It is no code that is known here.
    """
    if language == "auto":
        return None
    if language_name(language) is None:
        raise CharterError(
            f"corpora.{corpus}.language: {language} is no language that Charter knows; give an ISO 639-3 "
            "code of src/charter/documents/language_codes.yaml, such as deu, or auto"
        )
    return language


def main_language(languages: Iterable[str | None]) -> str | None:
    """Return the most frequent language, of those that are known; None where none is."""
    known = Counter(language for language in languages if language is not None)
    return known.most_common(1)[0][0] if known else None


def weak_models(models: BaseModels, language: str | None) -> list[str]:
    """Say in a sentence each which models aren't known to know a language, and what follows.

    Nothing is said of models whose languages aren't listed, nor where the language isn't known.
    """
    return [
        f"The {role} {name} isn't known to know {language_name(language)}: {consequence}."
        for role, consequence in _CONSEQUENCES.items()
        if may_not_know(name := getattr(models, role).name, language)
    ]


def may_not_know(model: str, language: str | None) -> bool:
    """Return whether a model's languages are listed, and this one isn't among them."""
    code, known = short_code(language), _model_languages().get(model)
    return code is not None and known is not None and code not in known


@cache
def _model_languages() -> dict[str, list[str]]:
    text = resources.files("charter.documents").joinpath("model_languages.yaml").read_text(encoding="utf-8")
    return dict(parse_yaml(text))
