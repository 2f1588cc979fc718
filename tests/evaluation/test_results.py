"""evaluate.json: what older ones lack, and what another judge makes of it."""

from pathlib import Path

from charter.evaluation.results import as_judged_by, load_evaluation
from charter.project.storage import write_json
from charter.report.table import result_rows
from synthetic_project import add_judge, make_evaluation


def test_results_of_a_time_with_one_judge_are_read(tmp_path: Path) -> None:
    values = make_evaluation().model_dump()
    for key in ("judge_name", "further_judges", "judge_agreement"):
        del values[key]
    write_json(tmp_path / "evaluate.json", values)
    assert load_evaluation(tmp_path / "evaluate.json") == make_evaluation()


def test_several_judges_survive_the_file(tmp_path: Path) -> None:
    evaluation = add_judge(make_evaluation())
    write_json(tmp_path / "evaluate.json", evaluation.model_dump())
    assert load_evaluation(tmp_path / "evaluate.json") == evaluation


def test_another_judge_takes_the_first_ones_place() -> None:
    evaluation = add_judge(make_evaluation(), win_rate=0.8)
    assert as_judged_by(evaluation, None) is evaluation
    assert as_judged_by(evaluation, "teacher") is evaluation
    larger = as_judged_by(evaluation, "larger")
    assert (larger.judge_name, larger.judge.judge) == ("larger", "larger-32b")
    assert {label for label, figures in larger.systems.items() if "win_rate" in figures} == {"dpo"}
    assert larger.systems["dpo"]["win_rate"].value == 0.8
    assert larger.systems["dpo"]["bleu"] == evaluation.systems["dpo"]["bleu"]
    nobody = as_judged_by(evaluation, "smaller")
    assert not any("win_rate" in figures for figures in nobody.systems.values())
    assert evaluation.systems["dpo"]["win_rate"].value != 0.8


def test_rows_of_a_further_judge_have_its_name() -> None:
    evaluation = add_judge(make_evaluation(), win_rate=0.8)
    rows = {
        row["metric"]: row["value"]
        for row in result_rows(evaluation)
        if (row["system"], row["rag"]) == ("dpo", False)
    }
    assert rows["win_rate:larger"] == 0.8
    assert rows["judge_validity:larger"] == rows["judge_validity"] == 0.95
    assert rows["win_rate"] != 0.8
