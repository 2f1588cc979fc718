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
