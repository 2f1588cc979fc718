"""What filters know of a language."""

import pytest

from charter.synthesis.languages import Language, load_language


def test_english_has_every_pattern_and_sources_are_filled_in() -> None:
    english = load_language("en")
    assert english.model_fields_set == Language.model_fields.keys()
    assert english.cited_before.match("According to this policy, gifts are recorded.")
    assert not english.mention.search("Gifts are recorded.")


def test_a_language_without_a_file_matches_nothing() -> None:
    unknown = load_language("xx")
    assert not any(unknown.model_fields_set)
    assert not unknown.mention.search("")
    assert not unknown.mention.search("the passage")
    assert unknown.written_numbers == ()
    assert not unknown.has("mention")
    assert unknown.has()


def test_a_language_that_is_not_known_has_nothing() -> None:
    assert load_language(None) == Language()


@pytest.mark.parametrize(
    ("response", "word"),
    [
        ("Yes, you may.", "Yes"),
        ("No. It is forbidden.", "No"),
        ("No", "No"),
        ("No – it is forbidden.", "No"),
        ("Nothing forbids it.", None),
        ("No one may forbid it.", None),
        ("", None),
    ],
)
def test_answer_word_is_a_whole_word(response: str, word: str | None) -> None:
    assert load_language("en").answer_word(response) == word
    assert Language().answer_word(response) is None


def test_a_response_begins_with_the_word_of_its_language() -> None:
    german = Language(yes_word="Ja", no_word="Nein")
    assert german.begin_with_word("No", "Geschenke sind verboten.") == "Nein. Geschenke sind verboten."
    assert german.answer_word("Ja, das darf er.") == "Yes"
    assert Language().begin_with_word("No", "Geschenke sind verboten.") == "Geschenke sind verboten."


@pytest.mark.parametrize(
    "cited",
    [
        "No, a child can't work here. The passage explicitly states that nobody under 16 may.",
        "No, a child can't work here because the passage says that nobody under 16 may.",
        "No, a child can't work here, because the passage requires that nobody under 16 may.",
    ],
)
def test_cited_reason_becomes_a_reason(cited: str) -> None:
    stated = load_language("en").without_citation(cited)
    assert stated == "No, a child can't work here, because nobody under 16 may."
    assert Language().without_citation(cited) == cited


@pytest.mark.parametrize(
    ("answer", "stated"),
    [
        ("Yes, you may, as stated in Article 13 of the Declaration.", "Yes, you may."),
        ("According to the passage, nobody may be held.", "Nobody may be held."),
        ("The guidelines say that gifts are recorded.", "The guidelines say that gifts are recorded."),
        ("The rule states that gifts are recorded.", "Gifts are recorded."),
        ("Agents work under the rule if they agree.", "Agents work under the rule if they agree."),
    ],
)
def test_an_answer_states_its_rule_and_not_where_it_stands(answer: str, stated: str) -> None:
    assert load_language("en").without_citation(answer) == stated
