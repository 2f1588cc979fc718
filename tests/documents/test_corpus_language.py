from importlib import resources
from pathlib import Path

import pytest

from charter.documents.corpus_language import main_language, set_language, weak_models
from charter.documents.language_codes import language_name, short_code
from charter.project.errors import CharterError
from charter.project.model_sections import ModelSource
from charter.project.params import Params
from charter.project.yaml_text import parse_yaml

ROOT = Path(__file__).parent.parent.parent


def named(sentences: list[str]) -> list[str]:
    """The roles that sentences begin with."""
    return [sentence.split()[1] for sentence in sentences]


def test_auto_sets_no_language_and_a_code_sets_its_own() -> None:
    assert set_language("ours", "auto") is None
    assert set_language("ours", "deu") == "deu"


@pytest.mark.parametrize("code", ["xyz", "ger", "qqq"])
def test_a_code_of_no_language_is_an_error_that_names_the_key(code: str) -> None:
    with pytest.raises(CharterError, match=rf"corpora\.ours\.language: {code} .*deu, or auto"):
        set_language("ours", code)


def test_the_main_language_is_the_most_frequent_known_one() -> None:
    assert main_language(["eng", None, "deu", None, None, "deu"]) == "deu"
    assert main_language([None, None]) is None
    assert main_language([]) is None


@pytest.mark.parametrize(
    ("language", "weak"),
    [
        ("eng", []),
        ("deu", ["seed", "teacher", "encoder"]),
        ("fra", ["seed", "teacher", "encoder"]),
        ("spa", ["seed", "teacher", "encoder"]),
        ("arb", ["seed", "teacher", "encoder"]),
        ("ara", ["seed", "teacher", "encoder"]),
        ("cmn", ["seed", "encoder"]),
        ("hin", ["seed", "teacher", "encoder"]),
        (None, []),
        ("xyz", []),
    ],
)
def test_models_that_come_with_charter_and_may_not_know_a_language_are_named(
    params: Params, language: str | None, weak: list[str]
) -> None:
    assert named(weak_models(params.base_models, language)) == weak


def test_a_warning_names_model_language_and_consequence(params: Params) -> None:
    sentence = weak_models(params.base_models, "deu")[-1]
    assert "all-minilm-l6-v2" in sentence
    assert "German" in sentence
    assert "BERTScore" in sentence


def test_nothing_is_said_of_a_model_whose_languages_are_not_listed(params: Params) -> None:
    encoder = ModelSource(hub="someone/an-encoder@main")
    models = params.base_models.model_copy(update={"encoder": encoder})
    assert named(weak_models(models, "fra")) == ["seed", "teacher"]


def test_the_list_is_of_pinned_models_and_of_known_languages() -> None:
    text = resources.files("charter.documents").joinpath("model_languages.yaml").read_text(encoding="utf-8")
    listed = parse_yaml(text)
    pinned = parse_yaml((ROOT / "data/pinned/models.yaml").read_text(encoding="utf-8"))
    codes = parse_yaml(
        resources.files("charter.documents").joinpath("language_codes.yaml").read_text(encoding="utf-8")
    )
    assert set(listed) == set(pinned)
    assert {code for known in listed.values() for code in known} <= {short for short, _ in codes.values()}
    assert all(short_code(code) and language_name(code) for code in codes)
