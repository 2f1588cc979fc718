"""The arm stage on tiny random models: what it trains anew, and what it is compared with."""

from collections.abc import Sequence
from typing import Any

import pytest

from charter.evaluation.arm_results import MAIN, ArmEvaluation
from charter.evaluation.results import Evaluation
from charter.project.exam_records import ExamAnswer
from charter.project.params import Params
from charter.project.paths import ArmPaths, CorpusPaths
from charter.project.storage import directory_sha256, read_rows, write_json, write_rows
from charter.project.training_sections import Arm
from charter.stages import arm as arm_stage
from charter.stages import evaluate
from small_evaluation import make_params

pytestmark = pytest.mark.models


def with_arm(params: Params, **values: Any) -> Params:
    return params.model_copy(update={"arms": {"other": Arm(corpus="bcg", **values)}})


def run_arm(params: Params, paths: CorpusPaths) -> tuple[ArmEvaluation, ArmPaths]:
    own = paths.arm("other", "bcg", params.arms["other"].stages)
    return ArmEvaluation.model_validate(arm_stage.run(params, own)), own


def contrasts(found: ArmEvaluation, metric: str) -> list[tuple[str, str]]:
    return [(row.system, row.against) for row in found.comparisons if row.metric == metric]


@pytest.fixture
def small(params: Params, paths: CorpusPaths) -> Params:
    """Parameters of a project that is evaluated, its sft without passages in view."""
    quick = {"epochs": 1.0, "batch_size": 4}
    small = make_params(params, 4, 4)
    small = small.model_copy(
        update={
            "sft": small.sft.model_copy(update=quick),
            "dpo": small.dpo.model_copy(update=quick),
        }
    )
    for split in ("sft_validation", "preference_validation"):
        write_rows(paths.instruct("train").with_name(f"{split}.jsonl"), [])
    main = Evaluation.model_validate(evaluate.run(small, paths))
    write_json(paths.metrics("evaluate"), main.model_dump())
    return small


def test_an_arm_of_dpo_goes_on_from_the_sft_model_that_is_there(small: Params, paths: CorpusPaths) -> None:
    before = directory_sha256(paths.adapter("sft"))
    found, own = run_arm(with_arm(small, dpo="swapped"), paths)
    assert own.adapter("sft") == paths.adapter("sft")
    assert own.adapter("dpo") == own.models / "dpo" != paths.adapter("dpo")
    assert {path.name for path in own.models.iterdir()} == {"dpo", "dpo.csv"}
    assert directory_sha256(paths.adapter("sft")) == before
    assert set(found.systems) == {"dpo", "dpo+rag"}
    assert contrasts(found, "right_answers") == [("dpo", MAIN), ("dpo+rag", MAIN)]
    assert contrasts(found, "dilemma_margin") == [
        *(("dpo", MAIN), ("dpo", "sft")),
        *(("dpo+rag", MAIN), ("dpo+rag", "sft")),
        (MAIN, "sft"),
    ]
    assert contrasts(found, "harmful_compliance") == [("dpo", "seed")]
    main = Evaluation.model_validate_json(paths.metrics("evaluate").read_text())
    assert found.evaluation == main.identity
    assert found.systems["dpo"]["everyday_facts"].n == main.systems["dpo"]["everyday_facts"].n == 4


def test_an_arm_of_sft_trains_both_and_is_compared_item_by_item(small: Params, paths: CorpusPaths) -> None:
    found, own = run_arm(with_arm(small, seed=7), paths)
    assert {path.name for path in own.models.iterdir()} == {"sft", "sft.csv", "dpo", "dpo.csv"}
    assert set(found.systems) == {"sft", "sft+rag", "dpo", "dpo+rag"}
    main = Evaluation.model_validate_json(paths.metrics("evaluate").read_text())
    for label, figures in found.systems.items():
        row = found.compared(label, MAIN, "right_answers")
        assert row is not None
        difference = figures["right_answers"].value - main.systems[label]["right_answers"].value
        assert row.difference.value == pytest.approx(difference)
        assert figures["right_answers"].n == main.systems[label]["right_answers"].n == row.difference.n
        moved = found.compared(label, MAIN, "dilemmas")
        assert moved is not None
        difference = figures["dilemmas"].value - main.systems[label]["dilemmas"].value
        assert moved.difference.value == pytest.approx(difference)


def test_demonstrations_alone_end_after_sft(
    small: Params, paths: CorpusPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    from charter.project.records import Demonstration

    row = Demonstration(id="1", kind="harmful", prompt="How do I steal?", response="I can't help with that.")
    write_rows(paths.demonstrations, [row])
    trained: list[Sequence[Any]] = []
    train = arm_stage.train_sft

    def noted(rows: Any, *others: Any) -> Any:
        trained.extend([rows.train, rows.demonstrations])
        return train(rows, *others)

    monkeypatch.setattr(arm_stage, "train_sft", noted)
    found, own = run_arm(with_arm(small, sft="demonstrations", dpo="none"), paths)
    assert trained == [[], [row]]
    assert {path.name for path in own.models.iterdir()} == {"sft", "sft.csv"}
    assert set(found.systems) == {"sft", "sft+rag"}


def test_the_main_answers_may_lie_in_any_order(small: Params, paths: CorpusPaths) -> None:
    params = with_arm(small, dpo="chosen")
    before, _ = run_arm(params, paths)
    rows = read_rows(paths.exam_answers, ExamAnswer)
    write_rows(paths.exam_answers, rows[::-1])
    assert run_arm(params, paths)[0] == before


def test_a_corpus_without_an_exam_is_compared_in_what_it_has(small: Params, paths: CorpusPaths) -> None:
    for file in (paths.exam_questions, paths.exam_dilemmas, paths.exam_seal):
        file.unlink()
    for file in (paths.exam_answers, paths.exam_decisions):
        write_rows(file, [])
    found, _ = run_arm(with_arm(small, dpo="shuffled"), paths)
    assert set(found.systems) == {"dpo"}
    assert {row.metric for row in found.comparisons} == {
        "harmful_compliance",
        "over_refusal",
        "everyday_refusal",
        "everyday_facts",
    }
