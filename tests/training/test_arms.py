"""What arms train on: the rest of a training is the main one's."""

import pytest
from pydantic import ValidationError

from charter.project.exercise_records import ExerciseDocument
from charter.project.params import Params, parse_params
from charter.project.records import Demonstration, InstructExample, PreferencePair
from charter.project.training_sections import Arm
from charter.training.answers import SftRows
from charter.training.arms import arm_pairs, arm_params, arm_rows


def arm_of(**values: object) -> Arm:
    return Arm.model_validate({"corpus": "udhr", **values})


ROWS = SftRows(
    train=[
        InstructExample(
            id=str(place), chunk_id="0a", rule="", style="term", question=f"{place}?", answer=f"{place}."
        )
        for place in range(20)
    ],
    validation=[],
    demonstrations=[Demonstration(id="d", kind="harmful", prompt="How?", response="I won't.")],
    exercises=[ExerciseDocument(id="e", title="", sentences=(), questions=())],
)

PAIRS = [
    PreferencePair(id=str(place), rule="", chunk_id="0a", prompt=f"{place}?", chosen="Do.", rejected="Don't.")
    for place in range(9)
]


def test_rows_by_what_an_arm_leaves_out() -> None:
    document = arm_rows(arm_of(sft="document", dpo="none"), ROWS, 1)
    assert (document.train, document.demonstrations, document.exercises) == (ROWS.train, [], [])
    alone = arm_rows(arm_of(sft="demonstrations", dpo="none"), ROWS, 1)
    assert (alone.train, alone.demonstrations) == ([], ROWS.demonstrations)
    assert alone.exercises == ROWS.exercises
    assert arm_rows(arm_of(seed=1), ROWS, 1) is ROWS


def test_shuffling_keeps_questions_and_answers() -> None:
    found = arm_rows(arm_of(sft="shuffled"), ROWS, 1)
    assert [row.question for row in found.train] == [row.question for row in ROWS.train]
    assert {row.answer for row in found.train} == {row.answer for row in ROWS.train}
    assert sum(row.answer == f"{row.id}." for row in found.train) < 5
    assert found.demonstrations == ROWS.demonstrations


def test_pairs_are_turned_all_half_or_none() -> None:
    turned = [(pair.rejected, pair.chosen) for pair in PAIRS]
    swapped = arm_pairs(arm_of(dpo="swapped"), PAIRS, 1)
    assert [(pair.chosen, pair.rejected) for pair in swapped] == turned
    shuffled = arm_pairs(arm_of(dpo="shuffled"), PAIRS, 1)
    assert sum(pair.chosen == "Don't." for pair in shuffled) == 5
    assert [pair.prompt for pair in shuffled] == [pair.prompt for pair in PAIRS]
    assert (
        shuffled == arm_pairs(arm_of(dpo="shuffled"), PAIRS, 1) != arm_pairs(arm_of(dpo="shuffled"), PAIRS, 2)
    )
    assert arm_pairs(arm_of(dpo="chosen"), PAIRS, 1) == arm_pairs(arm_of(seed=3), PAIRS, 1) == PAIRS


def test_parameters_differ_in_seed_and_loss_alone(params: Params) -> None:
    assert arm_params(arm_of(dpo="swapped"), params) == params
    assert arm_params(arm_of(seed=7), params) == params.model_copy(update={"seed": 7})
    chosen = arm_params(arm_of(dpo="chosen"), params)
    assert chosen.dpo.loss == "sft"
    assert chosen.model_copy(update={"dpo": params.dpo}) == params


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "is the main training itself"),
        ({"dpo": "none"}, "is the main training itself"),
        ({"sft": "demonstrations"}, "demonstrations alone go with dpo: none"),
        ({"dpo": "reversed"}, "Input should be"),
    ],
)
def test_an_arm_that_makes_no_sense_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        arm_of(**values)


def test_an_arm_of_no_corpus_is_refused(params: Params) -> None:
    values = params.model_dump(mode="json", exclude_unset=True)
    values["arms"] = {"other": {"corpus": "nowhere", "seed": 1}}
    with pytest.raises(Exception, match=r"params\.yaml: arms: .*nowhere is not in corpora"):
        parse_params(values, "params.yaml")


def test_stages_of_an_arm() -> None:
    assert arm_of(dpo="swapped").stages == ("dpo",)
    assert arm_of(seed=1).stages == ("sft", "dpo")
    assert arm_of(sft="document", dpo="none").stages == ("sft",)
    assert arm_of(seed=1).is_repeat
    assert not arm_of(seed=1, dpo="swapped").is_repeat
