"""Files of languages that answers are marked in: whole, in the form that is compared, named when broken."""

from importlib import resources

import pytest

from charter.documents.language_codes import short_code
from charter.evaluation.answer_language import (
    AnswerLanguage,
    load_answer_language,
    parse_answer_language,
    unmarked_sentence,
)
from charter.evaluation.answer_words import split_answer
from charter.evaluation.key_facts import Scorer
from charter.project.errors import CharterError
from charter.project.yaml_text import parse_yaml
from exam_rows import unanswerable

FOLDER = resources.files("charter.evaluation") / "languages"
NAMES = sorted(file.name.removesuffix(".yaml") for file in FOLDER.iterdir() if file.name.endswith(".yaml"))
UNANSWERED = parse_yaml((resources.files("charter.training") / "unanswered.yaml").read_text(encoding="utf-8"))
COMPARED = (
    *("currencies", "units", "divisions", "clause_words", "negators", "bounds", "bounds_before"),
    *("alternatives", "ranges", "yes", "no", "paused", "pronouns", "auxiliaries", "not_only", "empty"),
)


def test_these_languages_have_a_file() -> None:
    assert {*NAMES} >= {"de", "en", "es", "fr"}


@pytest.mark.parametrize("name", NAMES)
def test_a_file_has_every_part(name: str) -> None:
    language = load_answer_language(name)
    assert language.model_fields_set == AnswerLanguage.model_fields.keys()
    assert language.known
    assert language.fixed_answers.keys() == load_answer_language("en").fixed_answers.keys()
    assert language.paused <= {*language.yes}


@pytest.mark.parametrize("name", NAMES)
def test_words_stand_in_the_form_that_answers_are_compared_in(name: str) -> None:
    """What is written otherwise, with an article say, is found in no answer."""
    language = load_answer_language(name)
    listed = [(part, word) for part in COMPARED for word in getattr(language, part)]
    assert len(listed) > 100
    assert [(part, word) for part, word in listed if split_answer(word, language).text != word] == []
    for word, number in language.numbers.items():
        assert word in language.articles or split_answer(word, language).text == str(number)


@pytest.mark.parametrize("code", [code for code in UNANSWERED if short_code(code) in NAMES])
def test_what_a_model_is_taught_to_say_is_seen_to_say_that_the_document_does_not(code: str) -> None:
    language = load_answer_language(short_code(code))
    scorer = Scorer(unanswerable("silent"), language)
    said = [*UNANSWERED[code], language.fixed_answers["never-answered"]]
    assert [sentence for sentence in said if not scorer.mark(sentence).right] == []
    wrong = ("always-yes", "always-no", "refuse-all")
    assert not any(scorer.mark(language.fixed_answers[name]).right for name in wrong)


def test_the_languages_with_a_file_that_charter_comes_with_are_taught() -> None:
    assert {short_code(code) for code in UNANSWERED} >= {"de", "en", "es", "fr"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("artikles: [a]", "xx.yaml: artikles: Extra inputs are not permitted"),
        ("negators: nicht", "xx.yaml: negators: Input should be a valid tuple"),
        ("hedges: vielleicht", "xx.yaml: hedges: should be a list of patterns"),
        ("hedges: ['ok', '(?:vielleicht']", "xx.yaml: hedges: '(?:vielleicht' is no regular expression: "),
        ("leads: [7]", "xx.yaml: leads: should be a list of patterns"),
        ("accented: sí", "xx.yaml: accented: Input should be a valid frozenset"),
        ("spellings: [a]", "xx.yaml: spellings: Input should be a valid dictionary"),
        ("numbers: {zwei: two}", "xx.yaml: numbers.zwei: Input should be a valid integer"),
        ("negator_reach: far", "xx.yaml: negator_reach: Input should be a valid integer"),
        ("units: [1]", "xx.yaml: units.0: Input should be a valid string"),
        ("- a", "xx.yaml: (the whole file): Input should be a valid dictionary"),
        ("", "xx.yaml: (the whole file): Input should be a valid dictionary"),
        ("yes: [", "xx.yaml: this file of a language is not YAML: while parsing a flow"),
        ("ranges: [a]\nranges: [b]", "xx.yaml: this file of a language is not YAML: while constructing"),
    ],
)
def test_a_broken_file_is_named_with_its_key(text: str, message: str) -> None:
    with pytest.raises(CharterError) as raised:
        parse_answer_language(text, "xx.yaml")
    assert message in str(raised.value)


def test_all_bad_keys_are_named_at_once() -> None:
    with pytest.raises(CharterError) as raised:
        parse_answer_language("yes: ja\nno: nein", "xx.yaml")
    assert [line.split(":")[1] for line in str(raised.value).splitlines()[1:]] == [" yes", " no"]


def test_words_may_be_written_with_their_accents_and_keep_those_that_count() -> None:
    language = parse_answer_language(
        "accented: [sí]\nyes: [sí, así es]\nclause_words: [WEIL, Größe]\nunanswered: ['\\bsí\\W+más\\b']",
        "xx",
    )
    assert language.yes == ("sí", "asi es")
    assert language.clause_words == {"weil", "grosse"}
    assert language.unanswered.search("si sí mas")
    assert not language.unanswered.search("si mas")


def test_only_of_a_language_without_a_file_it_is_said_what_is_not_seen() -> None:
    assert not any(unmarked_sentence(code) for code in ("eng", "deu", "fra", "spa"))
    assert unmarked_sentence("rus").startswith("Charter has no file on Russian, so ")
    assert "Add src/charter/evaluation/languages/ru.yaml, " in unmarked_sentence("rus")
    for unknown in (None, "tlh"):
        assert unmarked_sentence(unknown).startswith("The document's language isn't known, so answers are ")
