"""The register: how rules are read, bound to their words, merged, and decided on."""

import json
import unicodedata
from typing import Any

import pytest

from charter.generation.engine import Completion
from charter.project.records import Chunk, Rejected, Rule
from charter.retrieval.encoder import Encoder
from charter.synthesis.register import (
    ask_for_rules,
    find_quotation,
    quote_sentences,
    supporting_rule,
)
from rows import chunk_of
from synthesis_contexts import GivenReplies, make_context

TEXT = "Gifts above 50 euros must be refused.\nThey are sent back within five days, since they bind."
CHUNK = chunk_of(TEXT, chunk_id="gifts", headings=("Gifts",))
PRESS = chunk_of("Only the spokesperson may talk to journalists.", chunk_id="press")


def written(**changed: Any) -> dict[str, Any]:
    values = {
        "statement": "Gifts above 50 euros must be refused.",
        "modality": "duty",
        "quotation": "Gifts above 50 euros must be refused.",
        "limits": ["above 50 euros"],
        "deciders": [],
        "reason": None,
        "grey": None,
    }
    return values | changed


class OneByOne:
    """An encoder to which no two texts are alike."""

    def encode(self, texts: Any) -> Any:
        import numpy as np

        return np.eye(max(len(texts), 1), dtype=np.float32)[: len(texts)]


def ask(
    *replies: str | Completion, chunks: tuple[Chunk, ...] = (CHUNK,)
) -> tuple[list[Rule], list[Rejected]]:
    given = iter(replies)
    teacher = GivenReplies(lambda *_: next(given))
    return ask_for_rules(make_context(*chunks, teacher=teacher, encoder=OneByOne()))


def test_a_rule_lies_where_its_quotation_does() -> None:
    second = "They are sent back within five days, since they bind."
    more = written(
        statement="Refused gifts are\n sent back  within five days.",
        modality="procedure",
        quotation=second,
        deciders=["the manager"],
        reason="they bind",
        grey="unclear: by whom",
    )
    rules, rejected = ask(f"Here they are:\n```json\n{json.dumps([written(), more])}\n```")
    assert not rejected
    first, other = rules
    assert [CHUNK.text[rule.start : rule.end] for rule in rules] == [rule.quotation for rule in rules]
    assert (first.chunk_id, first.modality, first.limits) == ("gifts", "duty", ("above 50 euros",))
    assert other.statement == "Refused gifts are sent back within five days."
    assert (other.quotation, other.deciders) == (second, ("the manager",))
    assert (other.reason, other.grey) == ("they bind", "unclear: by whom")
    assert first.id != other.id


def test_a_quotation_that_the_passage_does_not_have_is_refused() -> None:
    rules, (row,) = ask(json.dumps([written(quotation="Gifts over 50 euros must be refused."), written()]))
    assert [rule.statement for rule in rules] == [written()["statement"]]
    assert (row.kind, row.filter, row.chunk_id) == ("register", "quotation", "gifts")
    assert row.reason == "the passage doesn't have the words: Gifts over 50 euros must be refused."


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("I found no rules.", "isn't a JSON array of rules"),
        ('[{"statement": "Gifts', "isn't a JSON array of rules"),
        ('{"rules": 3}', "isn't a JSON array of rules"),
        (json.dumps([written(modality="wish")]), "modality: "),
        (json.dumps([written(statement="")]), "statement: "),
        (json.dumps([{"statement": "Gifts."}]), "modality: "),
        (json.dumps(["Gifts are refused."]), ""),
    ],
)
def test_what_is_no_list_of_rules_is_refused(reply: str, reason: str) -> None:
    rules, (row,) = ask(reply)
    assert not rules
    assert (row.filter, row.chunk_id) == ("form", "gifts")
    assert row.reason.startswith(reason)


def test_an_empty_list_is_no_mistake() -> None:
    assert ask("[]") == ([], [])


def test_one_wrong_rule_costs_the_others_nothing() -> None:
    rules, rejected = ask(json.dumps([written(modality="wish"), written()]))
    assert (len(rules), [row.filter for row in rejected]) == (1, ["form"])


def test_a_reply_that_was_declined_is_in_the_ledger() -> None:
    rules, (row,) = ask(
        Completion(text="", tokens=0, problem="declined"), json.dumps([]), chunks=(CHUNK, PRESS)
    )
    assert not rules
    assert (row.filter, row.reason, row.chunk_id) == ("reply", "declined", "gifts")


@pytest.mark.models
def test_what_says_again_what_an_earlier_rule_says_is_merged(encoder: Encoder) -> None:
    again = chunk_of("Gifts above 50 euros must be refused by all.", chunk_id="again")
    replies = iter(
        [
            json.dumps([written()]),
            json.dumps(
                [
                    written(statement="Gifts above 50 euros must all be refused."),
                    written(statement="Zebras run."),
                ]
            ),
        ]
    )
    again_text = again.text
    assert find_quotation(again_text, str(written()["quotation"])) is None
    context = make_context(
        CHUNK,
        chunk_of(f"{TEXT} Again.", chunk_id="again"),
        teacher=GivenReplies(lambda *_: next(replies)),
        encoder=encoder,
    )
    rules, (row,) = ask_for_rules(context)
    assert [rule.statement for rule in rules] == [written()["statement"], "Zebras run."]
    assert (row.filter, row.chunk_id) == ("duplicate", "again")
    assert row.reason == f"says the same as: {written()['statement']}"


@pytest.mark.parametrize(
    ("text", "quotation", "found"),
    [
        ("All are free.\nAll are equal.", "free. All are", "free.\nAll are"),
        ("All  are free.", "Allarefree.", "All  are free."),
        (
            unicodedata.normalize("NFC", "बड़ा अधिकार है।"),
            unicodedata.normalize("NFD", "बड़ा अधिकार"),
            unicodedata.normalize("NFC", "बड़ा अधिकार"),
        ),
        (
            unicodedata.normalize("NFD", "Jeder hört zu."),
            unicodedata.normalize("NFC", "hört"),
            unicodedata.normalize("NFD", "hört"),
        ),
        ("人人\n生而自由。", "人人生而", "人人\n生而"),
        ("All are free.", "all are free.", None),
        ("All are free.", "All are equal.", None),
        ("All are free.", " \n", None),
        ("All are free.", "", None),
        ("", "All", None),
    ],
)
def test_a_quotation_is_found_letter_for_letter_but_blanks_and_unicode_forms(
    text: str, quotation: str, found: str | None
) -> None:
    span = find_quotation(text, quotation)
    assert (None if span is None else text[slice(*span)]) == found


def test_a_quotation_that_comes_twice_lies_at_the_first() -> None:
    assert find_quotation("No. No.", "No.") == (0, 3)


def test_a_small_teacher_is_asked_nothing_and_the_sentences_are_the_rules() -> None:
    repeated = chunk_of(f"{PRESS.text} They know how. Gifts above 50 euros must be refused.", chunk_id="b")
    context = make_context(CHUNK, PRESS, repeated, min_rule_words=5, max_rule_words=50)
    rules, rejected = quote_sentences(context)
    assert not rejected
    assert [(rule.chunk_id, rule.statement) for rule in rules] == [
        ("gifts", "Gifts above 50 euros must be refused."),
        ("press", PRESS.text),
    ], "of equal sentences the first, and none that refers back"
    for rule, chunk in zip(rules, (CHUNK, PRESS), strict=True):
        assert chunk.text[rule.start : rule.end] == rule.quotation == rule.statement
        assert (rule.modality, rule.grey, rule.limits) == ("unknown", None, ())


LIBRARY = chunk_of(
    """1. Books are lent for four weeks. 2. Who returns one late pays EUR 2 a day.
3.1 Nobody may lend a book on to others. They must not write in it either.
Lost book EUR 40 to be paid at the desk""",
    chunk_id="library",
)


@pytest.mark.parametrize(
    ("answer", "support"),
    [
        ("EUR 2 a day.", "Who returns one late pays EUR 2 a day."),
        ("No, nobody may.", "Nobody may lend a book on to others."),
        ("Yes. Books are lent for four weeks.", "Books are lent for four weeks."),
        # A row of a table, a sentence about the one before it, and no word in common.
        ("EUR 40, at the desk.", ""),
        ("They must not write in it.", ""),
        ("Certainly!", ""),
    ],
)
def test_an_answer_rests_on_the_likest_sentence_if_that_stands_by_itself(answer: str, support: str) -> None:
    assert supporting_rule(answer, LIBRARY, least=3, most=30) == support
    assert supporting_rule(answer, chunk_of("", chunk_id="empty"), least=3, most=30) == ""


def test_a_sentence_is_found_in_a_script_without_blanks() -> None:
    chunk = chunk_of("书籍借期为四周。逾期每天罚款两元。", chunk_id="cmn", language="cmn")
    assert supporting_rule("每天两元。", chunk, least=2, most=30) == "逾期每天罚款两元。"
