from collections.abc import Sequence

import pytest

from charter.documents.segmentation import split_sentences
from charter.project.records import Chunk, InstructExample, PreferencePair, Rejected, Rule
from charter.synthesis.coverage import ChunkCoverage, measure_coverage, summarize_coverage
from charter.synthesis.synthetic_data import SyntheticData
from rows import chunk_of, rule_of

ASYLUM = chunk_of(
    "1. Everyone has the right to seek and to enjoy in other countries asylum from persecution.\n\n"
    "2. This right may not be invoked in the case of prosecutions genuinely arising from non-political "
    "crimes or from acts contrary to the purposes and principles of the United Nations.",
    chunk_id="asylum",
)
SCHOOL = chunk_of(
    "1. Everyone has the right to education. Elementary education shall be compulsory.\n\n"
    "2. Parents have a prior right to choose the kind of education that shall be given to their children.",
    chunk_id="school",
)
CONTACTS = chunk_of("Names are kept for 30 days.\n***\nNobody may sell them.", chunk_id="contacts")


RULES = [
    rule_of(chunk, sentence)
    for chunk in (ASYLUM, SCHOOL, CONTACTS)
    for sentence in split_sentences(chunk.text)
    if len(sentence) > 5
]
"""Each sentence is one."""


def question(chunk: Chunk, answer: str, asked: str = "What holds?", rule: str = "") -> InstructExample:
    return InstructExample(
        id=answer, chunk_id=chunk.id, rule=rule, style="content", question=asked, answer=answer
    )


def pair(chunk: Chunk, chosen: str, rejected: str = "No.", rule: str = "") -> PreferencePair:
    return PreferencePair(
        id=chosen, rule=rule, chunk_id=chunk.id, prompt="May I?", chosen=chosen, rejected=rejected
    )


def refusal(chunk: Chunk, kind: str, filter_name: str) -> Rejected:
    row = {"kind": kind, "filter": filter_name, "reason": "because", "raw": "x"}
    return Rejected.model_validate({"id": f"{chunk.id}{filter_name}", "chunk_id": chunk.id, **row})


def measure(
    train: Sequence[InstructExample] = (),
    pairs: Sequence[PreferencePair] = (),
    test: Sequence[InstructExample] = (),
    held_out_pairs: Sequence[PreferencePair] = (),
    rejected: Sequence[Rejected] = (),
    rules: Sequence[Rule] = RULES,
) -> dict[str, ChunkCoverage]:
    instruct = {"train": train, "validation": [], "test": test}
    preference = {"train": pairs, "validation": held_out_pairs, "test": []}
    chunks = [ASYLUM, SCHOOL, CONTACTS]
    measured = measure_coverage(SyntheticData(chunks, rules, instruct, preference, rejected))
    assert [item.chunk for item in measured] == [ASYLUM, SCHOOL, CONTACTS]
    return {item.chunk.id: item for item in measured}


def covered(item: ChunkCoverage) -> list[bool]:
    return [rule.trained for rule in item.rules]


# What the default profile's teacher wrote about these passages; labelled by reading.
@pytest.mark.parametrize(
    ("chunk", "answer", "expected"),
    [
        (ASYLUM, "Yes, a person may seek asylum from persecution in other countries.", [True, False]),
        (
            ASYLUM,
            "The right cannot be invoked in the case of genuine non-political crimes or acts contrary to the "
            "purposes and principles of the United Nations.",
            [False, True],
        ),
        (SCHOOL, "Yes, everyone has the right to education.", [True, False, False]),
    ],
)
def test_a_rule_is_trained_on_when_an_answer_says_it(chunk: Chunk, answer: str, expected: list[bool]) -> None:
    assert covered(measure([question(chunk, answer)])[chunk.id]) == expected


def test_only_what_is_trained_on_covers() -> None:
    said = "Everyone has the right to education."
    assert covered(measure([question(SCHOOL, said)])["school"])[0]
    assert covered(measure(pairs=[pair(SCHOOL, said)])["school"])[0]
    for nothing in (
        measure([question(SCHOOL, "Yes.", asked=said)]),
        measure(pairs=[pair(SCHOOL, "Yes.", rejected=said)]),
        measure(test=[question(SCHOOL, said)], held_out_pairs=[pair(SCHOOL, said)]),
        measure([question(ASYLUM, said)]),
    ):
        assert not any(covered(nothing["school"]))


def test_what_is_held_out_tests_a_rule_and_trains_nothing() -> None:
    said = "Everyone has the right to education."
    for held_out in (
        measure(test=[question(SCHOOL, said)]),
        measure(held_out_pairs=[pair(SCHOOL, said)]),
        measure(test=[question(SCHOOL, "Yes.", rule=RULES[2].statement)]),
    ):
        assert [(rule.trained, rule.tested) for rule in held_out["school"].rules] == [
            (False, True),
            (False, False),
            (False, False),
        ]
        assert not any(rule.tested for rule in held_out["asylum"].rules)


def test_a_row_about_a_rule_trains_it_whatever_it_says() -> None:
    rule = RULES[4]
    assert rule.statement.startswith("2. Parents")
    for measured in (
        measure([question(SCHOOL, "They may.", rule=rule.statement)]),
        measure(pairs=[pair(SCHOOL, "They may.", rule=rule.statement)]),
    ):
        assert covered(measured["school"]) == [False, False, True]


def test_only_rules_of_the_register_are_measured() -> None:
    measured = measure([question(SCHOOL, "Everyone has the right to education.")], rules=RULES[2:3])
    assert [covered(measured[name]) for name in ("asylum", "school", "contacts")] == [[], [True], []]
    summary = summarize_coverage(list(measured.values()))
    assert (summary["rules"], summary["rules_trained"], summary["rules_trained_share"]) == (1, 1, 1.0)
    assert summarize_coverage(list(measure(rules=[]).values()))["rules_trained_share"] == 0.0


def test_answers_cover_a_rule_together() -> None:
    thirds = ["Parents have a prior right.", "They choose the kind.", "Education is given to their children."]
    assert not any(covered(measure([question(SCHOOL, third)])["school"])[2] for third in thirds[:2])
    assert covered(measure([question(SCHOOL, third) for third in thirds])["school"])[2]


def test_rows_are_counted_by_chunk_and_split() -> None:
    item = measure(
        train=[question(SCHOOL, "One."), question(SCHOOL, "Two.")],
        pairs=[pair(SCHOOL, "Three.")],
        test=[question(SCHOOL, "Four."), question(ASYLUM, "Five.")],
        held_out_pairs=[pair(SCHOOL, "Six.")],
    )["school"]
    assert (item.questions, item.pairs, item.held_out_questions, item.held_out_pairs) == (2, 1, 1, 1)


def test_a_value_without_a_training_pair_is_told_from_no_value() -> None:
    measured = measure(
        pairs=[pair(SCHOOL, "Yes.")],
        held_out_pairs=[pair(ASYLUM, "Yes.")],
        rejected=[
            refusal(CONTACTS, "preference", "value"),
            refusal(ASYLUM, "preference", "contrast"),
            refusal(ASYLUM, "instruct", "support"),
        ],
    )
    assert {name: (item.has_value, item.lacks_pair) for name, item in measured.items()} == {
        "asylum": (True, True),
        "school": (True, False),
        "contacts": (False, False),
    }
    assert measured["asylum"].refused_pairs == {"contrast": 1}
    assert summarize_coverage(list(measured.values())) == {
        "chunks": 3,
        "chunks_with_training_question": 0,
        "rules": 7,
        "rules_trained": 0,
        "rules_trained_share": 0.0,
        "rules_tested": 0,
        "value_chunks": 2,
        "value_chunks_without_pair": 1,
    }


def test_text_without_spaces_is_measured_too() -> None:
    sentences = ["任何人不得加以酷刑。", "人人有权享有生命、自由和人身安全。"]
    chunk = chunk_of("".join(sentences), chunk_id="ch", language="cmn")
    nothing: dict[str, list[InstructExample]] = {"train": [], "validation": [], "test": []}
    rows = nothing | {"train": [question(chunk, "不得对任何人加以酷刑。")]}
    rules = [rule_of(chunk, sentence) for sentence in sentences]
    (item,) = measure_coverage(SyntheticData([chunk], rules, rows, {split: [] for split in rows}, []))
    assert covered(item) == [True, False]
