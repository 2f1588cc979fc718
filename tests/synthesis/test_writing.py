"""All rows of a corpus: split by rule, without leaks, and counted, by a method whose drafts are given."""

from dataclasses import replace

import pytest

from charter.project.errors import CharterError
from charter.project.records import SPLITS
from charter.retrieval.encoder import Encoder
from charter.synthesis.drafts import Draft
from charter.synthesis.writing import write_data
from planted_method import GIFTS, HELMETS, PRESS, Apart, Planted, pair, question, write
from rows import rule_of
from synthesis_contexts import make_context

OFF_SUBJECT = question("Who may talk to journalists?")
ON_SUBJECT = question("Which gifts must be refused?")


@pytest.mark.models
def test_the_encoder_refuses_training_questions_off_their_subject_and_no_test_question(
    encoder: Encoder,
) -> None:
    trained, figures = write(encoder, [OFF_SUBJECT, ON_SUBJECT])
    assert [row.question for row in trained.instruct["train"]] == [ON_SUBJECT.question]
    assert figures["instruct"]["rejected"] == {"subject": 1}
    held_out, figures = write(encoder, [OFF_SUBJECT, ON_SUBJECT], test_share=1.0)
    assert {row.question for row in held_out.instruct["test"]} == {OFF_SUBJECT.question, ON_SUBJECT.question}
    assert figures["instruct"]["rejected"] == {}
    anything, _ = write(encoder, [OFF_SUBJECT, ON_SUBJECT], max_nearer_chunks=None)
    assert len(anything.instruct["train"]) == 2


PRESS_RULE = "Only the spokesperson may talk to journalists."
AGAIN = "Only the spokesperson may talk to the journalists."


def held_out_pair(encoder: Encoder) -> list[Draft]:
    """Two pairs, of which the first is held out: of all pairs some must be trained on, chosen by a hash."""
    other = pair("May I go without a helmet?", "Helmets must be worn on site.", HELMETS)
    for number in range(20):
        pairs = [pair(f"May I chat with {number} journalists?", PRESS_RULE, PRESS), other]
        data, _ = write(encoder, [], pairs, pair_test_share=1.0)
        if [row.rule for row in data.preference["test"]] == [PRESS_RULE]:
            return pairs
    raise AssertionError("not one of twenty was held out")


@pytest.mark.models
def test_a_training_row_that_repeats_a_held_out_answer_or_rule_is_dropped(encoder: Encoder) -> None:
    pairs = held_out_pair(encoder)
    for leak in (
        question("Tell me, who talks?", answer=f"Yes. {PRESS_RULE}", chunk=PRESS),
        question("Tell me, who talks?", answer=AGAIN, chunk=PRESS),
        question("Tell me, who talks?", rule=AGAIN, chunk=PRESS),
    ):
        data, figures = write(encoder, [leak, ON_SUBJECT], pairs, pair_test_share=1.0, max_nearer_chunks=None)
        assert [row.rule for row in data.preference["test"]] == [PRESS_RULE]
        assert [row.question for row in data.instruct["train"]] == [ON_SUBJECT.question]
        assert not data.instruct["test"]
        assert figures["instruct"]["rejected"] == {"held-out": 1}
    # The guard can't be switched off.
    with pytest.raises(CharterError, match="no filter 'held-out' can be switched off"):
        write(encoder, [], pairs, without=["held-out"])


@pytest.mark.models
def test_a_row_names_the_sentence_it_rests_on_unless_that_is_held_out(encoder: Encoder) -> None:
    """Beside a passage that sentence may be what is trained on, whatever the row's own answer says."""
    asked = question("Who is it then?", answer="It is the spokesperson.", chunk=PRESS)
    data, _ = write(encoder, [asked, ON_SUBJECT], max_nearer_chunks=None)
    support = {row.question: row.support for row in data.instruct["train"]}
    assert support[asked.question] == PRESS_RULE
    assert support[ON_SUBJECT.question] in GIFTS.text
    pairs = held_out_pair(encoder)
    data, _ = write(encoder, [asked, ON_SUBJECT], pairs, pair_test_share=1.0, max_nearer_chunks=None)
    assert {row.question: row.support for row in data.instruct["train"]} == support | {asked.question: ""}


def test_a_rule_is_in_one_split_with_all_its_questions_and_pairs() -> None:
    rules = [f"Rule {number} must be kept." for number in range(40)]
    questions = [
        question(f"Question {n} to rule {place}?", f"{n} {place}.", rule)
        for place, rule in enumerate(rules)
        for n in range(3)
    ]
    pairs = [
        pair(f"Situation {n} of rule {place}?", rule) for place, rule in enumerate(rules) for n in range(2)
    ]
    data, figures = write(
        Apart(),
        questions,
        pairs,
        test_share=0.3,
        validation_share=0.2,
        pair_test_share=0.3,
        max_nearer_chunks=None,
    )
    splits: dict[str, set[str]] = {}
    for split in SPLITS:
        for row in [*data.instruct[split], *data.preference[split]]:
            splits.setdefault(row.rule, set()).add(split)
    assert splits.keys() == set(rules)
    assert all(len(of_rule) == 1 for of_rule in splits.values())
    assert {next(iter(of_rule)) for of_rule in splits.values()} == set(SPLITS)
    for rule, (split,) in splits.items():
        assert sum(row.rule == rule for row in data.instruct[split]) == 3
        assert sum(row.rule == rule for row in data.preference[split]) == 2
    assert figures["instruct"]["kept"] == 120
    assert figures["preference"]["kept"] == 80


def test_rows_without_a_rule_are_split_one_by_one() -> None:
    questions = [question(f"Question {number}?", f"{number}.") for number in range(60)]
    data, _ = write(Apart(), questions, test_share=0.5, max_nearer_chunks=None)
    assert 15 < len(data.instruct["test"]) < 45
    assert len(data.instruct["train"]) + len(data.instruct["test"]) == 60


def test_what_was_asked_for_kept_and_refused_is_counted_by_kind() -> None:
    pairs = [pair("May I?", "Gifts must be refused."), pair("May he?", "The passage is empty.")]
    questions = [ON_SUBJECT, replace(ON_SUBJECT, question="And dear ones?", answer="No.")]
    data, figures = write(Apart(), questions, pairs, max_nearer_chunks=None)
    assert figures == {
        "instruct": {
            "requested": 2,
            "kept": 2,
            "train": 2,
            "validation": 0,
            "test": 0,
            "rejected": {},
            "chunks_without_example": 2,
        },
        "rule": {"requested": 0, "kept": 0, "train": 0, "validation": 0, "test": 0, "rejected": {}},
        "preference": {
            "requested": 2,
            "kept": 1,
            "train": 1,
            "validation": 0,
            "test": 0,
            "rejected": {"mention": 1},
            "chunks_without_value": 0,
        },
        "rule-pair": {"requested": 0, "kept": 0, "train": 0, "validation": 0, "test": 0, "rejected": {}},
    }
    (refused,) = data.rejected
    assert (refused.kind, refused.filter, refused.raw.splitlines()[0]) == ("preference", "mention", "May he?")
    assert data.chunks == (GIFTS, PRESS, HELMETS)


def test_a_filter_that_is_switched_off_refuses_nothing() -> None:
    pairs = [pair("May he?", "The passage is empty.")]
    data, figures = write(Apart(), [], pairs, without=["mention"], max_nearer_chunks=None)
    assert figures["preference"]["rejected"] == {}
    assert len(data.preference["train"]) == 1


def test_an_unknown_filter_ends_a_run_before_anything_is_written() -> None:
    with pytest.raises(
        CharterError,
        match=r"synthesize\.without: no filter 'mentoin' can be switched off; there are mention, subject",
    ):
        write(None, [ON_SUBJECT], without=["mentoin"])


def test_rows_are_those_of_the_register() -> None:
    rule = rule_of(GIFTS, "Gifts above 50 euros must be refused.")
    context = make_context(GIFTS, rules=[rule], encoder=Apart(), max_nearer_chunks=None)
    data, _ = write_data(context, Planted(context.settings, []))
    assert data.rules == [rule]
