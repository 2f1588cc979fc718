"""What differs between two states: chunks by section, rows by id, splits."""

from charter.project.differences import (
    ComparedChunk,
    ComparedExample,
    CorpusData,
    Difference,
    describe,
    find_differences,
    summarize,
)


def chunk(text: str, *headings: str, document: str = "rules") -> ComparedChunk:
    return ComparedChunk(id=f"{document}{headings}{text}", document=document, headings=headings, text=text)


def example(chunk: ComparedChunk, text: str) -> ComparedExample:
    return ComparedExample.model_validate_json(
        f'{{"id": "{chunk.text}-{text}", "chunk_id": {chunk.model_dump_json(include={"id"})[6:-1]},'
        f' "question": "{text}", "style": "not compared"}}'
    )


def data(chunks: list[ComparedChunk], **instruct: list[ComparedExample]) -> CorpusData:
    splits = {"train": [], "test": []} | instruct
    return CorpusData(chunks, {"instruct": splits, "preference": {"train": [], "test": []}})


GIFTS, DOGS, NOISE = chunk("No gifts.", "Money", "Gifts"), chunk("No dogs.", "Dogs"), chunk("Hush.", "Noise")


def test_equal_states_have_no_difference() -> None:
    rows = [example(GIFTS, "May I?"), example(DOGS, "May it?")]
    assert find_differences(data([GIFTS, DOGS], train=rows), data([GIFTS, DOGS], train=rows[::-1])) == []


def test_chunks_are_amended_added_and_removed_within_their_sections() -> None:
    second, third = chunk("Small gifts.", "Money", "Gifts"), chunk("Tell us.", "Money", "Gifts")
    found = find_differences(data([GIFTS, DOGS]), data([second, third, NOISE]))
    assert [(item.change, item.headings, item.before, item.after) for item in found] == [
        ("amended", ("Money", "Gifts"), "No gifts.", "Small gifts."),
        ("added", ("Money", "Gifts"), None, "Tell us."),
        ("added", ("Noise",), None, "Hush."),
        ("removed", ("Dogs",), "No dogs.", None),
    ]


def test_like_headings_of_two_documents_are_two_sections() -> None:
    found = find_differences(data([chunk("a", "One")]), data([chunk("a", "One", document="other")]))
    assert [(item.change, item.document) for item in found] == [("added", "other"), ("removed", "rules")]


def test_rows_are_added_removed_and_moved_and_stand_with_their_chunk() -> None:
    stays, moves, goes, comes = (example(DOGS, text) for text in ("stays?", "moves?", "goes?", "comes?"))
    of_gifts = example(GIFTS, "gift?")
    found = find_differences(
        data([GIFTS, DOGS], train=[stays, moves, goes]),
        data([GIFTS, DOGS], train=[stays, comes, of_gifts], test=[moves]),
    )
    assert found == [
        Difference("instruct", "added", *("rules", ("Money", "Gifts")), None, "gift?", None, "train"),
        Difference("instruct", "moved", *("rules", ("Dogs",)), "moves?", "moves?", "train", "test"),
        Difference("instruct", "removed", *("rules", ("Dogs",)), "goes?", None, "train", None),
        Difference("instruct", "added", *("rules", ("Dogs",)), None, "comes?", None, "train"),
    ]
    assert summarize(found) == "2 instruct added, 1 instruct moved, 1 instruct removed"


def test_lines_stand_below_their_section_and_show_where_a_long_text_differs() -> None:
    start = (
        "Every resident above the age of twelve may borrow books, newspapers and maps, if they have a card, "
    )
    old, new = chunk(f"{start}for two weeks.", "Loans"), chunk(f"{start}for three weeks at most.", "Loans")
    found = find_differences(
        data([old, DOGS], train=[example(DOGS, "May it?")]),
        data([new, DOGS], test=[example(DOGS, "May it?")]),
    )
    assert describe(found).splitlines() == [
        "rules > Loans",
        "  ~ chunk",
        "      - …if they have a card, for two weeks.",
        "      + …if they have a card, for three weeks at most.",
        "rules > Dogs",
        "  ~ instruct [train -> test] May it?",
    ]


def test_a_row_that_people_edited_is_amended() -> None:
    row = example(GIFTS, "May I?").model_copy(update={"reply": "Yes, always."})
    edited = row.model_copy(update={"reply": "Yes, sometimes."})
    [found] = differences = find_differences(data([GIFTS], train=[row]), data([GIFTS], train=[edited]))
    assert (found.kind, found.change) == ("instruct", "amended")
    assert "- May I? Yes, always." in describe(differences)
    assert "+ May I? Yes, sometimes." in describe(differences)
