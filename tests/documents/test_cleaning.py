from charter.documents.cleaning import remove_contents, remove_running_lines
from charter.documents.lines import TextLine


def pages(*texts: str) -> list[TextLine]:
    return [TextLine(line, number) for number, text in enumerate(texts) for line in text.split("\n")]


def text_of(lines: list[TextLine]) -> list[str]:
    return [line.text for line in lines]


def test_page_numbers_and_running_lines_go() -> None:
    lines = pages(
        *(f"Acme Code\nBody line {word}\nmore {word}\n{n} of 9" for n, word in enumerate("abcdef", 1))
    )
    assert text_of(remove_running_lines(lines)) == [
        line for word in "abcdef" for line in (f"Body line {word}", f"more {word}")
    ]


def test_running_line_with_the_chapter_name_goes() -> None:
    names = ["Gifts", "Gifts", "Safety", "Privacy", "Suppliers", "Speaking up"]
    lines = pages(*(f"Text {name} {n}.\nThe Acme Conduct Guide {name}" for n, name in enumerate(names)))
    assert text_of(remove_running_lines(lines)) == [f"Text {name} {n}." for n, name in enumerate(names)]


def test_headings_that_count_are_not_page_numbers() -> None:
    bodies = ["Be fair.", "Report gifts.", "Ask first.", "Wear a helmet.", "Keep records.", "Stay calm."]
    lines = pages(*(f"Article {n}\n{body}" for n, body in enumerate(bodies, 1)))
    assert remove_running_lines(lines) == lines


def test_a_repeated_line_inside_the_text_stays() -> None:
    body = "\n".join(f"line {{n}}{letter}" for letter in "abcde")
    lines = pages(
        *(f"{body}\nAsk your manager first.\n{body}x".replace("{n}", f"p{n * n}q") for n in range(8))
    )
    kept = text_of(remove_running_lines(lines))
    assert kept.count("Ask your manager first.") == 8


def test_one_page_has_no_running_lines() -> None:
    lines = pages("Title\nText.\nTitle")
    assert remove_running_lines(lines) == lines


def test_contents_with_leaders_go_and_their_titles_come_back() -> None:
    lines = pages(
        "Contents\n1 Gifts 3\n1.1 Limits for gifts . . . . . . 3\n1.2 A title that is so long\n"
        "that it needs two lines ........ 4\nAnnex A …………… 12",
        "1 Gifts\nThe limit is EUR 50.\nIt was raised in 2024",
    )
    kept, titles = remove_contents(lines)
    assert text_of(kept) == ["1 Gifts", "The limit is EUR 50.", "It was raised in 2024"]
    assert titles == [
        "1 Gifts",
        "1.1 Limits for gifts",
        "1.2 A title that is so long that it needs two lines",
        "Annex A",
    ]


def test_contents_without_leaders_go_only_when_the_titles_recur() -> None:
    titles = ["Gifts", "Safety", "Privacy", "Suppliers"]
    listed = "\n".join(f"{title} {number}" for number, title in enumerate(titles, 2))
    kept, found = remove_contents(pages(f"Contents\n\n{listed}", "\n".join(titles)))
    assert text_of(kept) == ["", *titles]
    assert found == titles
    table = pages("Deaths by cause\nFalls 12\nFires 3\nTraffic 40\nOther 7")
    assert remove_contents(table) == (table, [])


def test_a_line_with_the_page_number_beside_a_changing_title_goes() -> None:
    titles = ["Gifts", "Safety first", "Suppliers", "Speaking up", "Privacy", "Records"]
    lines = pages(*(f"Chapter {n}: {title} {n + 10}\nText {n * n}." for n, title in enumerate(titles)))
    assert text_of(remove_running_lines(lines)) == [f"Text {n * n}." for n in range(6)]


def test_the_number_of_a_chapter_on_each_page_is_not_the_page_number() -> None:
    titles = ["Gifts", "Safety first", "Suppliers", "Speaking up", "Privacy", "Records"]
    lines = pages(*(f"{n} {title}\nText {n * n}.\n{n}" for n, title in enumerate(titles, 1)))
    kept = text_of(remove_running_lines(lines))
    assert kept == [line for n, title in enumerate(titles, 1) for line in (f"{n} {title}", f"Text {n * n}.")]


def test_chapter_numbers_that_happen_to_be_page_numbers_stay() -> None:
    titles = ["Gifts", "Safety first", "Suppliers", "Speaking up", "Privacy", "Records"]
    lines = pages(*(f"{n} {title}\nText {title}." for n, title in enumerate(titles, 1)))
    assert remove_running_lines(lines) == lines


def test_contents_without_page_numbers_go_where_their_titles_recur() -> None:
    titles = ["1. Gifts", "1.1. Limits", "1.2. Reports", "2. Safety", "2.1. Helmets"]
    listed = "\n".join(f"* {title}" for title in ["Preface", *titles])
    body = "\n".join(f"{title}\nThe rule of {title}" for title in ["Preface", *titles])
    kept, found = remove_contents(pages(f"Contents\n\n{listed}\n\n{body}"))
    assert text_of(kept) == ["", "", *body.split("\n")]
    assert found == ["Preface", *titles]
    steps = pages(
        "1. Stop the engine\n2. Call for help\n3. Wait outside\n4. Tell your manager\nThen go home."
    )
    assert remove_contents(steps) == (steps, [])
    names = "Gifts\nSafety\nPrivacy\nSuppliers"
    unnumbered = pages(f"{names}\nAll of these count.\n{names}")
    assert remove_contents(unnumbered) == (unnumbered, [])


def test_a_list_that_is_there_twice_is_no_table_of_contents() -> None:
    steps = ["1. Stop the engine", "2. Call for help", "3. Wait outside", "4. Tell your manager"]
    lines = pages("\n".join([*steps, "5. Go home.", *steps, "5. Come back."]))
    assert remove_contents(lines) == (lines, [])


def test_running_lines_with_the_number_and_title_of_their_chapter_go() -> None:
    def page(chapter: int, section: int) -> str:
        head = f"CHAPTER {chapter}. TITLE {chapter * chapter} {chapter}.{section}. SECTION {section}"
        return f"{head}\nText {chapter * 7} {section}.\nMore."

    lines = pages(
        *(
            text
            for n in range(1, 5)
            for text in (f"Chapter {n}\nOn rule {n}.", page(n, 1), page(n, 2), page(n, 3))
        )
    )
    assert not [line.text for line in remove_running_lines(lines) if line.text.startswith("CHAPTER")]
    assert sum(line.text.startswith("Chapter") for line in remove_running_lines(lines)) == 4


def test_pages_that_begin_with_a_mention_of_a_part_keep_it() -> None:
    mentions = {3, 8, 11}
    texts = [
        f"Section 4 Limits of gifts: see case {n * n}.\nText {n * 7}.\nMore of it {n}."
        if n in mentions
        else f"Body {n * n} begins.\nText {n * 7}.\nMore of it {n}."
        for n in range(1, 13)
    ]
    assert sum(line.text.startswith("Section 4") for line in remove_running_lines(pages(*texts))) == 3
