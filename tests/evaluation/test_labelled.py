"""Binding items to chunks: what can't be measured on is named with its line."""

from pathlib import Path

import pytest

from charter.evaluation.labelled import bind_items
from charter.project.errors import CharterError
from charter.project.records import Chunk, LabelledItem, LabelledKind
from rows import chunk_of

SOURCE = Path("data/labelled/ours.jsonl")


def chunk(text: str) -> Chunk:
    return chunk_of(text)


CHUNKS = [
    chunk("Gifts above EUR 50 are refused. Cash is always refused."),
    chunk("Helmets are worn. Cash is always refused."),
]


def item(name: str, kind: LabelledKind = "answer", label: bool = True, **changed: str) -> LabelledItem:
    values = {
        "quote": "Helmets are worn.",
        "question": "Is a helmet worn?",
        "text": "Yes, it is.",
        "note": "",
    }
    return LabelledItem.model_validate({"id": name, "kind": kind, "label": label, **values, **changed})


def four() -> list[LabelledItem]:
    return [
        item("a", "answer", True),
        item("b", "answer", False, quote="Gifts above EUR 50"),
        item("c", "response", True),
        item("d", "response", False),
    ]


def test_items_get_the_chunk_of_their_quote() -> None:
    drafts = bind_items(four(), CHUNKS, SOURCE)
    assert {(draft.question, draft.answer) for draft in drafts} == {("Is a helmet worn?", "Yes, it is.")}
    assert [draft.chunk for draft in drafts] == [CHUNKS[1], CHUNKS[0], CHUNKS[1], CHUNKS[1]]


@pytest.mark.parametrize(
    ("added", "message"),
    [
        (item("e", quote="Boots are worn."), r"ours\.jsonl:5: e: no chunk has the quote 'Boots are worn\.'"),
        (
            item("e", quote="Cash is always refused."),
            r"ours\.jsonl:5: e: 2 chunks have the quote .*quote more",
        ),
        (item("a"), r"ours\.jsonl:5: the id a comes twice"),
        (item("e", "response", text="Nobody knows."), r"ours\.jsonl:5: e: .*must begin with Yes or No"),
    ],
)
def test_a_bad_item_is_named(added: LabelledItem, message: str) -> None:
    with pytest.raises(CharterError, match=message):
        bind_items([*four(), added], CHUNKS, SOURCE)


@pytest.mark.parametrize("missing", range(4))
def test_each_kind_needs_both_labels(missing: int) -> None:
    items = four()
    left_out = items.pop(missing)
    with pytest.raises(CharterError, match=rf"ours\.jsonl: needs items of kind {left_out.kind}"):
        bind_items(items, CHUNKS, SOURCE)
