"""What filters know of a language."""

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
