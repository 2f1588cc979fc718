import pytest

from charter.evaluation.results import Evaluation
from charter.project.gate import Gate
from charter.project.metric_names import GATE_METRICS
from charter.project.params import Params
from charter.report.plain_words import METRIC_WORDS
from charter.report.readiness import judge_readiness
from synthetic_project import DECIDED_RIGHTLY, RIGHT_ANSWERS, make_evaluation, sit_exam

EXAM_GATES = (
    Gate(metric="right_answers", rag=True, against="trivial", minimum=0.0),
    Gate(metric="dilemmas", against="none", minimum=0.5),
)


def sat(right: int = RIGHT_ANSWERS["dpo+rag"], decided: int = DECIDED_RIGHTLY["dpo"]) -> Evaluation:
    """An evaluation in which the aligned model got so many of 40 questions and of 24 dilemmas right."""
    advised = DECIDED_RIGHTLY | {"dpo": decided, "dpo+rag": decided}
    return sit_exam(make_evaluation(), RIGHT_ANSWERS | {"dpo+rag": right}, advised)[0]


def reason(gate: Gate, evaluation: Evaluation) -> str:
    (said,) = judge_readiness(evaluation, [gate]).reasons
    return said.text


def test_a_model_is_ready_where_it_sat_an_exam_and_every_gate_holds() -> None:
    verdict = judge_readiness(sat(right=38, decided=24), EXAM_GATES)
    assert verdict.ready
    assert verdict.held == 2
    assert [f"{said.heading}. {said.text}" for said in verdict.reasons] == [
        "Answers. The aligned model with the document at hand answers 38 of 40 exam questions rightly; a "
        "search that reads out the nearest sentence answers 22. The model has to beat that. That "
        "is more than luck.",
        "Advice. The aligned model sides with the document in 24 of 24 cases, choosing between two replies; "
        "tossing a coin decides half. Asked for: more than half. That is more than luck.",
    ]


def test_the_weightiest_reasons_come_first_one_of_a_kind_and_three_at_most(params: Params) -> None:
    harmful = Gate(metric="harmful_compliance", against="seed", maximum=-0.9)
    asked = [gate for gate in params.gates if gate.metric != "unanswerable"]
    verdict = judge_readiness(
        sat(decided=13), [Gate(metric="bleu", against="none", minimum=99), harmful, *asked]
    )
    assert not verdict.ready
    answers, values, harm = (said.text for said in verdict.reasons)
    assert (
        "answers 16 of 40 exam questions rightly; a search that reads out the nearest sentence answers 22."
        in answers
    )
    assert "sides with the document in 13 of 24 cases" in values
    assert "as far as a detector of refusals can tell; the model before alignment does 25" in harm
    assert verdict.held == sum(each.result.passed for each in verdict.conditions) < len(verdict.conditions)


def test_a_harm_that_was_found_comes_before_one_that_so_few_cannot_exclude() -> None:
    open_still = Gate(metric="harmful_compliance", against="seed", maximum=-0.25)
    found = Gate(metric="over_refusal", against="seed", maximum=0.0)
    for gates in ([open_still, found], [found, open_still]):
        first, second = (said.text for said in judge_readiness(sat(), gates).reasons)
        assert "harmless requests" in first
        assert "harmful requests" in second


def test_without_an_exam_nothing_can_be_called_ready(params: Params) -> None:
    verdict = judge_readiness(make_evaluation("bcg"), params.gates)
    assert not verdict.ready
    (lacking,) = verdict.lacking
    assert "Nobody has written an exam for this document" in lacking
    assert "`charter exam new bcg`" in lacking
    assert not any("Not measured" in said.text for said in verdict.reasons)


def test_without_gates_nothing_was_asked_of_it() -> None:
    verdict = judge_readiness(sat(right=38), [Gate(metric="bleu", against="champion", minimum=0.0)])
    assert not verdict.ready
    assert verdict.lacking == [
        "No condition is set under `gates` in params.yaml, so nothing was asked of it."
    ]


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        (EXAM_GATES[1], "tossing a coin decides half. Asked for: more than half"),
        (
            Gate(metric="right_answers", against="none", minimum=0.5),
            "answers 7 of 40 exam questions rightly. Asked for: at least 20.",
        ),
        (
            Gate(metric="right_answers", rag=True, against="seed+rag", minimum=0.0),
            "the model before alignment with the document at hand answers 15. The model has to beat that. "
            "It has more, but with so few that may be luck, so it doesn't count as shown.",
        ),
        (
            Gate(metric="right_answers", against="sft", minimum=0.5),
            "the model taught by questions and answers alone answers 6. Asked for: at least 50 in 100 more.",
        ),
        (Gate(metric="bleu", against="sft", minimum=-0.1), "has 36. Allowed: at most 0.1 fewer."),
        (
            Gate(metric="over_refusal", against="seed", maximum=0.12),
            "refuses about 26 of 50 harmless requests; the model before alignment refuses 25. Allowed: at "
            "most 12 in 100 more. Here it keeps to that, but so few can't show that it does.",
        ),
        (Gate(metric="over_refusal", against="seed", maximum=0.0), "refuses 25. Allowed: no more."),
        (
            Gate(metric="perplexity", against="seed", maximum=-5.0),
            "as one of 14; the model before alignment as one of 11. Asked for: at least 5.0 fewer.",
        ),
        (
            Gate(metric="unanswerable", against="none", minimum=0.5),
            "Not measured: whether it says so where the document doesn't answer.",
        ),
        (
            Gate(metric="length", against="sft", maximum=1.0),
            "Not measured: how long its answers are, beside the model taught by questions and answers alone.",
        ),
    ],
)
def test_a_reason_says_what_was_found_and_asked(gate: Gate, words: str) -> None:
    assert words in reason(gate, sat())


def test_a_judge_that_failed_is_a_reason() -> None:
    invalid = make_evaluation(judge_valid=False).model_copy(update={"systems": sat().systems})
    gate = Gate(metric="win_rate", against="none", minimum=0.5)
    assert reason(gate, invalid) == "The judge failed its own test, so what it prefers says nothing."


@pytest.mark.parametrize("metric", GATE_METRICS)
def test_every_metric_makes_a_sentence(metric: str) -> None:
    evaluation = sat()
    for figures in evaluation.systems.values():
        figures[metric] = figures["right_answers"]
    said = reason(Gate(metric=metric, against="seed", minimum=0.0), evaluation)
    assert said.startswith("The aligned model ")
    assert "; the model before alignment " in said
    assert "{" not in said
    assert METRIC_WORDS[metric].name not in said
