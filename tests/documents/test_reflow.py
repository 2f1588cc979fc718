from charter.documents.lines import TextLine
from charter.documents.reflow import reflow

FULL = "words of a full line that ends where the column of the page ends as"


def joined(*texts: str) -> str:
    return (
        reflow([TextLine(FULL, 0), *(TextLine(text, 0) for text in texts)], 1)[0]
        .removeprefix(FULL)
        .strip("\n")
    )


def test_full_lines_go_on_and_short_ones_end() -> None:
    assert joined("it does.", "A new paragraph.") == " it does.\n\nA new paragraph."


def test_table_rows_keep_their_lines() -> None:
    assert (
        joined("told.", "Gift Limit", "Meal EUR 80", "Travel EUR 0")
        == " told.\n\nGift Limit\nMeal EUR 80\nTravel EUR 0"
    )


def test_list_items_begin_lines() -> None:
    assert joined("told:", "• first item", "• second item") == " told:\n- first item\n- second item"


def test_hyphens_of_line_breaks_go_and_those_of_words_stay() -> None:
    assert joined("non-disclosure and compli-", "ance with non-", "disclosure") == (
        " non-disclosure and compliance with non-disclosure"
    )


def test_paragraph_goes_over_the_page_and_pages_know_where() -> None:
    lines = [TextLine(FULL, 1), TextLine("the next page.", 3), TextLine("Title", 3, 2)]
    text, starts = reflow(lines, 6)
    assert text == f"{FULL} the next page.\n\n## Title\n"
    assert text[starts[3] :].startswith("the next page.")
    assert starts == (0, 0, len(FULL) + 1, len(FULL) + 1, len(text) - 1, len(text) - 1)


def test_lines_of_a_script_without_blanks_are_joined_without_one() -> None:
    lines = [
        TextLine("人人生而自由在尊严和权利上一律平等他们", 0),
        TextLine("赋有理性和良心。", 0),
        TextLine("又一段。", 0),
    ]
    assert reflow(lines, 1)[0] == "人人生而自由在尊严和权利上一律平等他们赋有理性和良心。\n\n又一段。\n"
