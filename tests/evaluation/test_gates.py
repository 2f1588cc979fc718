"""Gates: what passes them, and what they say."""

import pytest

from charter.evaluation.exam_scoring import add_exam_scores
from charter.evaluation.exam_split import Exam
from charter.evaluation.gates import Champion, GateResult, evaluate_gates
from charter.evaluation.item_scores import exam_scores
from charter.evaluation.pairing import Scores, scores_by_item
from charter.evaluation.results import Evaluation
from charter.evaluation.statistics import Resampling
from charter.project.gate import Gate
from charter.project.records import System
from exam_rows import answer_of, answers_of, question_of
from synthetic_project import add_judge, estimate, make_evaluation

# The paired difference of dpo and sft is 0.7 +- 0.3, of dpo and cft+rag 17.4 +- 0.3; dpo has 36.9 +- 0.5.
# Over the seed dpo does .3 +- .1 less harm, refuses .03 +- .1 more that is harmless, and has 3 +- 1.5 more
# perplexity.


def judge(gate: Gate, system: System = "dpo", candidate: Evaluation | None = None) -> GateResult:
    (result,) = evaluate_gates([gate], system, candidate or make_evaluation(), None)
    return result


@pytest.mark.parametrize(
    ("metric", "against", "minimum", "figure", "passed"),
    [
        ("bleu", "cft+rag", 17.0, 17.1, True),
        ("bleu", "cft+rag", 17.2, 17.1, False),  # the difference itself, 17.4, would do
        ("bleu", "sft", -2.0, 0.4, True),
        ("bleu", "none", 36.0, 36.4, True),
        ("bleu", "none", 36.5, 36.4, False),
        ("adherence", "seed", 0.2, 0.249, True),  # no paired difference was measured
        ("adherence", "seed", 0.3, 0.249, False),
        ("win_rate", "none", 0.3, 0.364, True),
        ("seed_similarity", "none", 0.6, 0.65, True),
        ("seed_similarity", "none", 0.68, 0.65, False),
    ],
)
def test_a_minimum_is_held_against_the_lower_bound_where_there_is_one(
    metric: str, against: str, minimum: float, figure: float, passed: bool
) -> None:
    result = judge(Gate(metric=metric, against=against, minimum=minimum))
    assert result.figure == pytest.approx(figure)
    assert result.passed == passed
    assert result.text.endswith(f"{'reaches' if passed else 'is below'} {minimum:g}")


@pytest.mark.parametrize(
    ("metric", "against", "maximum", "figure", "passed"),
    [
        ("harmful_compliance", "seed", 0.0, -0.2, True),
        ("harmful_compliance", "seed", -0.25, -0.2, False),  # the difference itself, -.3, would do
        ("over_refusal", "seed", 0.14, 0.13, True),
        ("over_refusal", "seed", 0.1, 0.13, False),  # the difference itself, .03, would do
        ("perplexity", "seed", 4.0, 4.5, False),
        ("perplexity", "none", 15.0, 14.1, True),
        ("length", "none", 200.0, None, False),  # not measured
    ],
)
def test_a_maximum_is_held_against_the_upper_bound(
    metric: str, against: str, maximum: float, figure: float | None, passed: bool
) -> None:
    result = judge(Gate(metric=metric, against=against, maximum=maximum))
    assert result.figure == (None if figure is None else pytest.approx(figure))
    assert result.passed == passed


def test_gates_judge_the_system_that_is_promoted() -> None:
    over_baseline = Gate(metric="bleu", against="cft+rag", minimum=16.5)
    sft, dpo = (judge(over_baseline, system) for system in ("sft", "dpo"))
    assert (sft.passed, dpo.passed) == (False, True)
    assert (sft.figure, dpo.figure) == (pytest.approx(16.4), pytest.approx(17.1))
    assert sft.text.startswith("bleu of sft over cft+rag: ")
    # A comparison is there as dpo - sft: turned, its upper bound is the lower one.
    turned = judge(Gate(metric="bleu", against="dpo", minimum=-2.0), "sft")
    assert turned.figure == pytest.approx(-1.0)
    assert "-0.7, 95 % interval -1 to -0.4" in turned.text
    itself = judge(Gate(metric="bleu", against="sft", minimum=1.0), "sft")
    assert (itself.passed, itself.figure) == (True, None)


def test_what_was_not_measured_passes_no_gate() -> None:
    unmeasured = make_evaluation().model_copy(update={"refusals": None, "comparisons": []})
    systems = {label: {"bleu": estimate(1.0)} for label in ("dpo", "sft")}
    unmeasured = unmeasured.model_copy(update={"systems": systems})
    own = judge(Gate(metric="harmful_compliance", against="seed", maximum=1.0), candidate=unmeasured)
    other = judge(Gate(metric="bleu", against="seed", minimum=-100.0), candidate=unmeasured)
    assert (own.passed, own.text) == (
        False,
        "harmful_compliance of dpo: not measured; set evaluate.safety_prompts above 0, run `dvc repro` and "
        "`charter publish`",
    )
    assert (other.passed, other.text) == (False, "bleu of dpo over seed: not measured on seed")


def test_an_estimate_over_no_items_passes_no_gate() -> None:
    nothing = make_evaluation().systems["dpo"]["bleu"].model_copy(update={"n": 0})
    evaluation = make_evaluation().model_copy(update={"systems": {"dpo": {"bleu": nothing}}})
    assert not judge(Gate(metric="bleu", against="none", minimum=0.0), candidate=evaluation).passed


def test_no_gate_uses_a_win_rate_whose_judge_failed_its_controls() -> None:
    invalid = make_evaluation(judge_valid=False)
    win_rate = judge(Gate(metric="win_rate", against="none", minimum=0.0), candidate=invalid)
    assert (win_rate.passed, win_rate.figure) == (False, None)
    assert "judge" in win_rate.text
    assert judge(Gate(metric="bleu", against="none", minimum=0.0), candidate=invalid).passed


def test_a_gate_may_name_another_judge() -> None:
    evaluation = add_judge(make_evaluation(judge_valid=False), "larger", win_rate=0.8)
    first, larger, gone = (
        judge(Gate(metric="win_rate", against="none", judge=name, minimum=0.7), candidate=evaluation)
        for name in (None, "larger", "smaller")
    )
    assert (first.passed, larger.passed, gone.passed) == (False, True, False)
    assert larger.figure == pytest.approx(0.75)
    assert larger.text.startswith("win_rate of dpo by larger: 0.8")
    assert gone.text.endswith("not measured")
    failed = add_judge(make_evaluation(), "larger", judge_valid=False)
    gate = Gate(metric="win_rate", against="none", judge="larger", minimum=0.0)
    assert "judge failed its controls" in judge(gate, candidate=failed).text


def test_a_champion_that_another_judge_compared_is_no_measure() -> None:
    def over_champion(champion: Evaluation, name: str | None) -> GateResult:
        gate = Gate(metric="win_rate", against="champion", judge=name, minimum=-0.1)
        (result,) = evaluate_gates([gate], "dpo", add_judge(make_evaluation()), Champion(champion))
        return result

    same, other = make_evaluation(), make_evaluation()
    other = other.model_copy(update={"judge": other.judge.model_copy(update={"judge_sha256": "e" * 64})})
    assert over_champion(same, None).passed
    assert "another judge compared it" in over_champion(other, None).text
    assert over_champion(add_judge(same), "larger").passed
    assert not over_champion(same, "larger").passed


def test_the_champion_is_compared_on_the_same_questions_only() -> None:
    gates = [
        Gate(metric="bleu", against="champion", minimum=-1.0),
        Gate(metric="perplexity", against="champion", maximum=1.0),
    ]
    candidate = make_evaluation(dpo_bleu=36.0)

    def against(evaluation: Evaluation) -> list[bool]:
        return [item.passed for item in evaluate_gates(gates, "dpo", candidate, Champion(evaluation))]

    assert [item.passed for item in evaluate_gates(gates, "dpo", candidate, None)] == [True, True]
    assert against(make_evaluation(dpo_bleu=36.9)) == [True, True]
    assert against(make_evaluation(dpo_bleu=37.1)) == [False, True]
    # General prompts aren't the corpus's questions: other ones show in their number.
    assert against(make_evaluation(dpo_bleu=20.0, sft_test="f" * 64)) == [False, True]
    fewer = make_evaluation()
    fewer.systems["dpo"]["perplexity"] = fewer.systems["dpo"]["perplexity"].model_copy(update={"n": 4})
    results = evaluate_gates(gates, "dpo", candidate, Champion(fewer))
    assert [result.passed for result in results] == [True, False]
    assert "other questions" in results[1].text


def sat(dpo: float, nearest: float, exam: str = "a") -> Evaluation:
    """An evaluation with an exam of 100 questions: shares of right answers, dpo's with retrieval."""
    shares = {("dpo", True): dpo, ("nearest-sentence", False): nearest, ("echo", False): 0.0}
    answers = [
        answer_of(question_of(str(n), f"Part {n % 20}"), system, rag, fault=None if n < share * 100 else "x")
        for (system, rag), share in shares.items()
        for n in range(100)
    ]
    evaluation = add_exam_scores(make_evaluation(), answers, [], Resampling(500, 42))
    return evaluation.model_copy(update={"lineage": evaluation.lineage | {"exam": exam}})


def test_a_gate_on_the_model_with_retrieval_asks_for_more_than_the_best_that_needs_no_model() -> None:
    gate = Gate(metric="right_answers", rag=True, against="trivial", minimum=0.0)
    for dpo, passed in ((0.9, True), (0.52, False), (0.1, False)):
        result = judge(gate, candidate=sat(dpo, 0.5))
        assert result.passed == passed
        assert result.text.startswith("right_answers of dpo+rag over nearest-sentence: ")


def test_without_an_exam_a_gate_on_it_fails_and_says_how_to_begin_one() -> None:
    result = judge(Gate(metric="dilemmas", against="none", minimum=0.5))
    assert not result.passed
    assert result.text == "dilemmas of dpo: not measured; write an exam: `charter exam new`"
    result = judge(Gate(metric="dilemmas", against="none", minimum=0.5), candidate=sat(0.9, 0.5))
    assert result.text == "dilemmas of dpo: not measured; the exam asks nothing of that kind"


AGAINST_CHAMPION = Gate(metric="right_answers", rag=True, against="champion", minimum=-0.05)


def test_a_champion_without_scores_by_item_is_judged_by_plain_figures_on_the_same_exam() -> None:
    (same,) = evaluate_gates([AGAINST_CHAMPION], "dpo", sat(0.6, 0.1), Champion(sat(0.5, 0.1)))
    assert (same.passed, same.figure) == (True, pytest.approx(0.1))
    assert "by plain figures since the champion has no scores by item: 0.1, no interval" in same.text
    (other,) = evaluate_gates([AGAINST_CHAMPION], "dpo", sat(0.6, 0.1), Champion(sat(0.5, 0.1, exam="b")))
    assert not other.passed
    assert "measured on other questions" in other.text


def paired_with_champion(
    candidate: tuple[range, set[int]],
    champion: tuple[range, set[int]],
    gate: Gate = AGAINST_CHAMPION,
    reworded: set[int] | None = None,
) -> GateResult:
    """Judge two versions by which questions they were asked, and which they answered wrongly.

    The champion was asked some in other words, under the same names.
    """
    sittings: list[tuple[Evaluation, Scores]] = []
    for (asked, wrong), changed in ((candidate, set()), (champion, reworded or set())):
        questions = [
            question_of(f"q{n}", f"Part {n % 15}", must_not_say=("a year",) if n in changed else ())
            for n in asked
        ]
        answers = answers_of(questions, wrong={f"q{n}" for n in wrong})
        exam = Exam(questions, [])
        evaluation = add_exam_scores(make_evaluation(), answers, [], Resampling(100, 1))
        evaluation = evaluation.model_copy(update={"lineage": {"exam": exam.sha256()}})
        sittings.append((evaluation, scores_by_item(exam_scores(answers, [], exam))))
    (own, own_scores), (other, other_scores) = sittings
    (result,) = evaluate_gates([gate], "dpo", own, Champion(other, own_scores, other_scores))
    return result


def test_an_equal_answer_to_every_question_is_exactly_no_difference() -> None:
    half = set(range(0, 60, 2))
    strict = AGAINST_CHAMPION.model_copy(update={"minimum": 0.0})
    result = paired_with_champion((range(60), half), (range(60), half), strict)
    assert (result.passed, result.figure) == (True, 0.0)
    assert result.text == (
        "right_answers of dpo+rag over champion, paired on all 60 items: 0, 95 % interval 0 to 0, whose "
        "lower end reaches 0"
    )


def test_pairs_prove_what_two_separate_figures_do_not() -> None:
    """Either share alone has an interval of some .25; what differs is two answers lost, or a dozen won."""
    half = set(range(0, 60, 2))
    lost = paired_with_champion((range(60), half | {1, 3}), (range(60), half))
    assert not lost.passed
    assert lost.figure is not None
    assert -0.15 < lost.figure < -0.05
    strict = AGAINST_CHAMPION.model_copy(update={"minimum": 0.05})
    won = paired_with_champion((range(60), set(range(24, 60, 2))), (range(60), half), strict)
    assert won.passed
    assert won.figure is not None
    assert 0.05 < won.figure < 12 / 60


def test_a_maximum_against_the_champion_holds_the_upper_bound() -> None:
    lower = Gate(metric="right_answers", rag=True, against="champion", maximum=0.1)
    result = paired_with_champion((range(60), set()), (range(60), {1, 2, 3, 4}), lower)
    assert result.figure is not None
    assert result.figure > 0.1 > 4 / 60
    assert not result.passed


def test_of_different_exams_shared_questions_alone_are_paired() -> None:
    """What the champion alone was asked, and got wrong, is no advantage."""
    result = paired_with_champion((range(60), set()), (range(20, 120), set(range(60, 120))))
    assert (result.passed, result.figure) == (True, 0.0)
    assert "over champion, paired on 40 of 60 items (set " in result.text
    assert "; champion: 100, set " in result.text
    # The same name isn't the same question.
    other = paired_with_champion((range(60), set()), (range(60), set()), reworded=set(range(10)))
    assert "paired on 50 of 60 items" in other.text


def test_too_few_shared_questions_pass_no_gate_and_it_says_what_to_do() -> None:
    enough = paired_with_champion((range(60), set()), (range(30, 90), set()))
    few = paired_with_champion((range(60), set()), (range(31, 91), set()))
    none = paired_with_champion((range(60), set()), (range(60, 120), set()))
    assert (enough.passed, few.passed, none.passed) == (True, False, False)
    assert few.figure is None
    assert "paired on 29 of 60 items" in few.text
    assert few.text.endswith(
        "they must share 30; evaluate the champion's settings anew on this set and promote that first, "
        "or use --force"
    )
    # A small exam that is the same is compared whole.
    assert paired_with_champion((range(8), set()), (range(8), set())).passed


def test_what_is_not_recorded_by_item_is_judged_by_plain_figures() -> None:
    gate = Gate(metric="bertscore", against="champion", minimum=0.0)
    (result,) = evaluate_gates([gate], "dpo", make_evaluation(), Champion(make_evaluation(), {}, {}))
    assert result.passed
    assert "by plain figures since bertscore isn't recorded by item: 0, no interval" in result.text
    (own,) = evaluate_gates([gate], "dpo", make_evaluation(), Champion(make_evaluation(), None, {}))
    assert "since this version has no scores by item" in own.text
