"""What is said of the arms: each sentence by its intervals."""

from pathlib import Path

import pytest
from rich.console import Console

from charter.evaluation.arm_results import MAIN, ArmEvaluation
from charter.evaluation.results import Comparison, Estimate, Evaluation
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import ProjectPaths
from charter.project.storage import write_json
from charter.project.training_sections import Arm
from charter.report.arms import ARM_COLUMNS, arm_rows, arm_sentences, arm_tables, describe, load_arms
from synthetic_project import estimate, make_evaluation, sit_exam


def compared(system: str, against: str, metric: str, value: float, half_width: float = 0.02) -> Comparison:
    return Comparison(
        system=system, against=against, metric=metric, difference=estimate(value, half_width), p=0.5
    )


def arm_of(
    name: str,
    figures: dict[str, dict[str, Estimate]],
    *comparisons: Comparison,
    evaluation: str = "x",
    **trained: object,
) -> ArmEvaluation:
    arm = Arm.model_validate({"corpus": "udhr", **trained})
    return ArmEvaluation(
        arm=name, trained=arm, systems=figures, comparisons=list(comparisons), evaluation=evaluation
    )


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return sit_exam(make_evaluation("udhr"))[0]


def control(dpo: str, moved: float, main: float = 0.06) -> ArmEvaluation:
    return arm_of(
        dpo,
        {"dpo": {"dilemmas": estimate(0.5)}},
        compared("dpo", "sft", "dilemma_margin", moved),
        compared(MAIN, "sft", "dilemma_margin", main),
        dpo=dpo,
    )


def test_an_arm_is_described_by_what_it_differs_in() -> None:
    described = [
        describe(Arm.model_validate({"corpus": "udhr", **values}))
        for values in ({"seed": 3}, {"sft": "document", "dpo": "none"}, {"dpo": "swapped", "seed": 1})
    ]
    assert described == ["seed 3", "the document's rows alone, no DPO", "seed 1, pairs swapped"]


def test_rows_stand_beside_those_of_the_main_training(evaluation: Evaluation) -> None:
    arm = arm_of(
        "again",
        {"dpo+rag": {"right_answers": estimate(0.5, 0.1), "dilemmas": estimate(0.4, 0.1)}},
        compared("dpo+rag", MAIN, "right_answers", 0.1),
        seed=1,
    )
    rows = arm_rows(evaluation, [arm])
    assert [row[:2] for row in rows] == [
        ("main: of which the results are", "SFT+DPO+RAG"),
        ("again: seed 1", "SFT+DPO+RAG"),
    ]
    main = evaluation.systems["dpo+rag"]["right_answers"].value
    assert rows[0][2].startswith(f"{main:.3f}".replace("0.", "."))
    assert rows[1][2:7] == (".500 [.400, .600]", "+.100 [+.080, +.120]", "–", ".400 [.300, .500]", "–")
    assert all(len(row) == len(ARM_COLUMNS) for row in rows)
    console = Console(width=80, record=True, file=None, force_terminal=False)
    for table in arm_tables(evaluation, [arm]):
        console.print(table)
    text = console.export_text()
    assert "again: seed 1" in text
    assert "…" not in text


def test_chance_is_the_range_over_repeats_and_the_main_training(evaluation: Evaluation) -> None:
    repeats = [
        arm_of(f"seed-{seed}", {"dpo": {"right_answers": estimate(value)}}, seed=seed)
        for seed, value in ((1, 0.05), (2, 0.75))
    ]
    other = arm_of("swapped", {"dpo": {"right_answers": estimate(0.99)}}, dpo="swapped")
    main = evaluation.systems["dpo"]["right_answers"].value
    assert arm_sentences(evaluation, [*repeats, other]) == [
        "SFT+DPO, right answers: .050 to .750 in 3 trainings that differ by chance alone; "
        f"{main:.3f} in the main one.".replace("0.", ".", 1)
    ]


@pytest.mark.parametrize(
    ("main", "swapped", "shuffled", "taught"),
    [
        (0.06, -0.05, 0.01, True),
        (0.06, -0.05, 0.05, False),
        (0.06, 0.01, 0.0, False),
        (0.01, -0.05, 0.0, False),
        (-0.06, -0.05, 0.0, False),
    ],
)
def test_pairs_teach_where_the_controls_say_so(
    evaluation: Evaluation, main: float, swapped: float, shuffled: float, taught: bool
) -> None:
    arms = [control("swapped", swapped, main), control("shuffled", shuffled, main)]
    (sentence,) = arm_sentences(evaluation, arms)
    start = "Do the pairs teach values? " + ("Yes" if taught else "That is not shown") + "."
    assert sentence.startswith(start)
    assert arm_sentences(evaluation, arms[1:]) == []


@pytest.mark.parametrize(("value", "word"), [(-0.3, "Yes"), (0.01, "That is not shown"), (0.3, "No")])
def test_the_document_alone_is_judged_against_the_seed(
    evaluation: Evaluation, value: float, word: str
) -> None:
    arm = arm_of(
        "alone",
        {"sft": {}},
        compared("sft", "seed", "harmful_compliance", value),
        sft="document",
        dpo="none",
    )
    (sentence,) = arm_sentences(evaluation, [arm])
    assert sentence.startswith(f"Does the document alone make it safer? {word}")


def test_arms_are_read_of_the_corpus_and_of_params_alone(
    params: Params, evaluation: Evaluation, tmp_path: Path
) -> None:
    arms = {
        name: Arm.model_validate({"corpus": corpus, "seed": 1})
        for name, corpus in (("one", "udhr"), ("two", "bcg"))
    }
    paths = ProjectPaths(tmp_path).corpus("udhr")
    named = params.model_copy(update={"arms": arms})
    with pytest.raises(CharterError, match=r"one\.json"):
        load_arms(named, paths, evaluation)
    file = paths.arm("one", "udhr", ()).figures
    write_json(file, {"arm": "one"})
    with pytest.raises(CharterError, match="not what arm writes; run `dvc repro arm@one`"):
        load_arms(named, paths, evaluation)
    for written in (
        arm_of("one", {}, seed=1),
        arm_of("one", {}, evaluation=evaluation.identity, seed=2),
    ):
        write_json(file, written.model_dump())
        with pytest.raises(CharterError, match="of an earlier evaluation or arm; run `dvc repro arm@one`"):
            load_arms(named, paths, evaluation)
    written = arm_of("one", {}, evaluation=evaluation.identity, seed=1)
    write_json(file, written.model_dump())
    write_json(file.with_name("gone.json"), {})
    assert load_arms(named, paths, evaluation) == [written]
