"""Methods: what a reader sees of the way of a row, and which filters may be switched off."""

import inspect

import pytest

from charter.project.errors import CharterError
from charter.project.model_sections import ModelSource
from charter.project.params import load_params
from charter.synthesis import people, set_filters, text_filters, verdict_filters
from charter.synthesis.choose_method import choose_method
from charter.synthesis.direct_method import DirectMethod
from charter.synthesis.method import Method, check_filter_names
from charter.synthesis.people import PeopleHeldOut, Review, TakeEdits
from charter.synthesis.rules_method import RulesMethod
from charter.synthesis.set_filters import HeldOut, NearestToRule, OnSubject
from charter.synthesis.steps import Filter
from charter.synthesis.verdict_filters import OneKeepsOneBreaks, OneWordRight, TruerRule
from synthesis_contexts import settings_of
from synthetic_project import ROOT

METHODS = (DirectMethod, RulesMethod)


def filters_of(method: Method) -> list[Filter]:
    return [step for way in method.ways().values() for step in way if isinstance(step, Filter)]


@pytest.mark.parametrize("kind", METHODS)
def test_each_way_begins_with_what_is_written_and_ends_with_what_is_trained_on(kind: type[Method]) -> None:
    ways = kind(settings_of()).ways()
    assert {"instruct", "preference"} <= ways.keys()
    for kind_of_row, steps in ways.items():
        assert any(isinstance(step, Filter) for step in steps)
        assert all(step.summary.endswith((".", ":")) for step in steps)
        assert [type(step) for step in steps[-3:]] == [Review, TakeEdits, PeopleHeldOut]
        if kind_of_row in ("instruct", "preference"):
            assert any(type(step) is HeldOut for step in steps)
    assert set(DirectMethod(settings_of()).ways()) == {"instruct", "preference", "vote"}
    ways = RulesMethod(settings_of()).ways()
    assert set(ways) == {"instruct", "rule", "preference", "rule-pair", "vote"}


def test_every_filter_is_in_a_method_and_says_what_it_refuses() -> None:
    written = {
        found
        for module in (people, text_filters, set_filters, verdict_filters)
        for _, found in inspect.getmembers(module, inspect.isclass)
        if issubclass(found, Filter) and not inspect.isabstract(found) and found.__module__ == module.__name__
    }
    used = {type(step) for kind in METHODS for step in filters_of(kind(settings_of()))}
    assert used == written
    for step in (step for kind in METHODS for step in filters_of(kind(settings_of()))):
        assert step.summary.startswith("Refuses ")


@pytest.mark.parametrize("kind", METHODS)
def test_filters_are_switched_off_by_name_all_but_the_needed_ones(kind: type[Method]) -> None:
    method = kind(settings_of())
    free = sorted({step.name for step in filters_of(method) if not step.needed})
    check_filter_names(method, free)
    check_filter_names(method, [])
    assert "held-out" not in free
    for name in ("held-out", "subjects", ""):
        with pytest.raises(CharterError) as caught:
            check_filter_names(method, ["form", name])
        assert str(caught.value) == (
            f"synthesize.without: no filter {name!r} can be switched off; there are {', '.join(free)}"
        )


def test_a_filter_of_the_other_method_is_an_unknown_one() -> None:
    check_filter_names(RulesMethod(settings_of()), ["grounding"])
    with pytest.raises(CharterError, match="no filter 'grounding' can be switched off; there are answer, "):
        check_filter_names(DirectMethod(settings_of()), ["grounding"])


@pytest.mark.parametrize("kind", METHODS)
def test_the_encoder_lets_no_row_through_that_can_be_a_test_row(kind: type[Method]) -> None:
    method = kind(settings_of())
    for steps in (method.questions, method.pairs):
        assert not any(isinstance(step, OnSubject | NearestToRule | HeldOut) for step in steps)


def test_how_near_training_questions_must_be_is_a_parameter() -> None:
    held_out = HeldOut((), RulesMethod(settings_of()).leak)
    for most, expected in ((None, []), (0, [0]), (3, [3])):
        steps = RulesMethod(settings_of(max_nearer_chunks=most)).trained(held_out)
        assert steps[0] is held_out
        assert [step.max_nearer for step in steps if isinstance(step, OnSubject)] == expected
    assert list(DirectMethod(settings_of()).trained(held_out)) == [held_out]


def test_thresholds_come_from_the_parameters() -> None:
    settings = settings_of(
        min_support=0.11,
        min_preference_margin=0.22,
        min_opposite_margin=0.33,
        max_answer_words=44,
        max_length_ratio=5.5,
        min_grounded=0.66,
        max_question_words=77,
        max_question_similarity=0.88,
        max_leak_similarity=0.99,
        max_shared_trigrams=0.123,
    )
    shown = " ".join(repr(step) for kind in METHODS for step in filters_of(kind(settings)))
    for number in ("0.11", "0.22", "0.33", "44", "5.5", "0.66", "77", "0.88", "0.99", "0.123"):
        assert f"={number}" in shown, number
    margins = {
        type(step): step.min_score
        for kind in METHODS
        for step in filters_of(kind(settings))
        if isinstance(step, OneWordRight | TruerRule | OneKeepsOneBreaks)
    }
    assert margins == {OneWordRight: 0.22, TruerRule: 0.33, OneKeepsOneBreaks: 0.22}


@pytest.mark.parametrize(
    ("method", "teacher", "chosen"),
    [
        ("auto", ModelSource(artifact="qwen2.5-coder-1.5b-instruct"), RulesMethod),
        ("auto", ModelSource(served="large"), DirectMethod),
        ("auto", ModelSource(hub="owner/name@main"), DirectMethod),
        ("direct", ModelSource(artifact="qwen2.5-coder-1.5b-instruct"), DirectMethod),
        ("rules", ModelSource(served="large"), RulesMethod),
    ],
)
def test_the_method_goes_with_the_teacher_unless_it_is_chosen(
    method: str, teacher: ModelSource, chosen: type[Method]
) -> None:
    params = load_params(ROOT / "params.yaml")
    models = params.base_models.model_copy(update={"teacher": teacher})
    settings = params.synthesize.model_copy(update={"method": method})
    params = params.model_copy(update={"base_models": models, "synthesize": settings})
    assert choose_method(params) is chosen
