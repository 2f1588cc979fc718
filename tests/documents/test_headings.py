import pytest

from charter.documents.headings import StyledText, mark_headings
from charter.documents.lines import TextLine

BODY = "This is a full line of running text that is as long as the page allows it"


def levels(
    lines: list[str], contents: list[str] | None = None, styled: list[StyledText] | None = None
) -> dict[str, int]:
    marked = mark_headings([TextLine(text, 0) for text in lines], contents or [], styled or [])
    return {line.text: line.level for line in marked if line.level}


def test_numbering_makes_headings() -> None:
    lines = ["1 Gifts", "1.1 Limits", BODY, "1.2. What is allowed?", BODY, "2 Safety", "2.1 Helmets", BODY]
    assert levels(lines) == {
        "1 Gifts": 1,
        "1.1 Limits": 2,
        "1.2. What is allowed?": 2,
        "2 Safety": 1,
        "2.1 Helmets": 2,
    }


def test_numbered_items_and_sentences_are_no_headings() -> None:
    assert (
        levels(["1. Stop the machine", "2. Call for help", "1.8 metres is the limit", "3.1 That is a rule."])
        == {}
    )


def test_table_rows_that_begin_with_the_number_of_a_chapter_are_no_headings() -> None:
    assert levels(["2 Fields", "2.1 Header", BODY, "2 CARD16 Version", BODY]) == {
        "2 Fields": 1,
        "2.1 Header": 2,
    }


def test_articles_and_listed_titles_are_headings() -> None:
    lines = [
        "Article 4",
        BODY,
        "Chapter II Duties",
        BODY,
        "Our promise.",
        BODY,
        "Article 4 says so, and more",
    ]
    assert levels(lines, contents=["Our promise."]) == {
        "Article 4": 1,
        "Chapter II Duties": 1,
        "Our promise.": 1,
    }


def test_type_is_believed_where_it_looks_like_a_title() -> None:
    lines = ["A Wrapped", "Title", BODY, BODY, "It goes on here", "with small letters."]
    styled = [
        StyledText(0, ("A Wrapped", "Title"), 1),
        StyledText(0, (BODY,), 2),
        StyledText(0, ("It goes on here",), 2),
    ]
    assert levels(lines, styled=styled) == {"A Wrapped Title": 1}


@pytest.mark.parametrize(
    ("title", "sentence"),
    [("उपहार", "कोई दास नहीं है।"), ("الهدايا", "لا يجوز ذلك،"), ("تحفے", "سب برابر ہیں۔"), ("礼物", "第一，")],
)
def test_what_ends_in_a_mark_of_its_script_is_no_title(title: str, sentence: str) -> None:
    styled = [StyledText(0, (text,), 1) for text in (title, sentence)]
    assert levels([title, BODY, BODY + ".", sentence, BODY], styled=styled) == {title: 1}


def test_type_is_not_believed_where_sections_are_numbered() -> None:
    lines = ["1 Gifts", "1.1 Limits", "Above EUR 10 Director", BODY]
    assert levels(lines, styled=[StyledText(0, ("Above EUR 10 Director",), 3)]) == {
        "1 Gifts": 1,
        "1.1 Limits": 2,
    }


def test_short_line_between_paragraphs_is_a_heading_below_the_styled_ones() -> None:
    lines = [
        "Gifts",
        BODY,
        "ends here.",
        "What you must do",
        BODY,
        "ends with",
        "Meal EUR 80",
        "Travel EUR 0",
    ]
    assert levels(lines, styled=[StyledText(0, ("Gifts",), 2)]) == {"Gifts": 2, "What you must do": 3}


def test_items_of_a_list_are_no_headings_where_their_numbers_break_the_numbering() -> None:
    """As in a policy manual in which "10. Example Licenses" stood above the next hundred pages."""
    items = [line for n in range(1, 11) for line in (f"{n}. Principle of the list", "What it says is here.")]
    chapters = [
        "2 Archive",
        "2.1 Principles",
        *items,
        "2.2 Areas",
        BODY,
        "2.3 Sections",
        BODY,
        "3 Packages",
        BODY,
    ]
    sections = [line for n in range(1, 12) for line in (f"{n + 3}.1 Names", BODY)]
    assert levels(["1.1 Scope", BODY, *chapters, *sections]) == {
        "1.1 Scope": 1,
        "2 Archive": 1,
        "2.1 Principles": 2,
        "2.2 Areas": 2,
        "2.3 Sections": 2,
        "3 Packages": 1,
        **{f"{n + 3}.1 Names": 1 for n in range(1, 12)},
    }


def test_a_series_of_numbered_titles_with_text_between_is_a_numbering() -> None:
    lines = [
        "1. Purpose",
        f"{BODY}.",
        "2. Scope",
        f"{BODY}.",
        "3. Gifts",
        f"{BODY}.",
        "1. Ask first",
        "2. Report it",
        "4. Duties",
        f"{BODY}.",
    ]
    assert levels(lines) == {"1. Purpose": 1, "2. Scope": 1, "3. Gifts": 1, "4. Duties": 1}
    assert levels(["1. Ask first", "2. Report it", "3. Keep records", f"{BODY}."]) == {}


@pytest.mark.parametrize(
    ("lines", "heading"),
    [
        (["CHAPTER SEVEN", "DECLARING RELATIONSHIPS"], "CHAPTER SEVEN: DECLARING RELATIONSHIPS"),
        (["CHAPTER", "SEVEN", "DECLARING RELATIONSHIPS"], "CHAPTER SEVEN: DECLARING RELATIONSHIPS"),
        (
            ["CHAPTER SIX", "PACKAGE MAINTAINER SCRIPTS AND INSTALLATION", "PROCEDURE"],
            "CHAPTER SIX: PACKAGE MAINTAINER SCRIPTS AND INSTALLATION PROCEDURE",
        ),
        (["Article 5", "", "Right to life", ""], "Article 5: Right to life"),
        (["KAPITEL IV", "Geschenke"], "KAPITEL IV: Geschenke"),
        (["Глава 2.", "Подарки"], "Глава 2. Подарки"),
        (["第三章", "总则"], "第三章: 总则"),
        (["제2조", "목적"], "제2조: 목적"),
        (["§ 4", "Annahme von Geschenken"], "§ 4: Annahme von Geschenken"),
    ],
)
def test_a_number_and_the_title_below_it_are_one_heading(lines: list[str], heading: str) -> None:
    assert levels(["It ends.", *lines, BODY, BODY]) == {heading: 1}


def test_parts_stand_above_what_they_hold() -> None:
    lines = [
        "Chapter I: General",
        "Article 1",
        f"{BODY}.",
        "Article 2",
        f"{BODY}.",
        "Chapter II: Duties",
        "Article 3",
        f"{BODY}.",
    ]
    assert levels(lines) == {
        "Chapter I: General": 1,
        "Chapter II: Duties": 1,
        **{f"Article {n}": 2 for n in (1, 2, 3)},
    }


def test_references_to_parts_are_no_headings() -> None:
    lines = ["1 Gifts", "1.1 Limits", "as they are laid down in", "Section 7", BODY, "1.2 Reports", BODY]
    assert levels([*lines, "Part of it is new", "Article 4 applies here too", "Article 12."]) == {
        "1 Gifts": 1,
        "1.1 Limits": 2,
        "1.2 Reports": 2,
    }


def test_sections_of_a_chapter_without_a_heading_do_not_stand_below_the_one_before() -> None:
    lines = ["1 Gifts", "1.1 Limits", BODY, "1.2 Reports", BODY, "A.1 Forms", BODY, "A.1.1 Old forms", BODY]
    assert levels(lines) == {
        "1 Gifts": 1,
        "1.1 Limits": 2,
        "1.2 Reports": 2,
        "A.1 Forms": 1,
        "A.1.1 Old forms": 2,
    }


def test_a_wrapped_title_that_the_contents_list_is_one_heading() -> None:
    lines = ["1.1 What is the difference between", "this and that?", BODY, "1.2 /etc: settings", BODY]
    assert levels(
        lines, contents=["1.1 What is the difference between this and that?", "1.2 /etc: settings"]
    ) == {
        "1.1 What is the difference between this and that?": 1,
        "1.2 /etc: settings": 1,
    }


def test_text_without_blanks_is_measured_by_its_characters() -> None:
    lines = [
        "第一章 总则",
        "本法保护所有人的权利。" * 3,
        "第二条规定本法保护所有在本国境内居住的人的权利和自由以及他们的财产不受任何侵犯",
    ]
    assert levels(lines) == {"第一章 总则": 1}
