from charter.evaluation.results import Evaluation
from charter.project.exam_records import ExamAnswer, ExamDecision
from charter.report.first_screen import FirstScreen, clearest, first_screen
from exam_rows import decision_of, dilemma_of
from synthetic_project import DECIDED_RIGHTLY, RIGHT_ANSWERS, make_evaluation, sit_exam


def screen(sat: tuple[Evaluation, list[ExamAnswer], list[ExamDecision]]) -> FirstScreen:
    return first_screen(*sat, chunks=[], gates=[])


def test_pictures_say_who_is_not_shown_to_be_better_than_what_needs_no_model() -> None:
    right, values = screen(sit_exam(make_evaluation(), RIGHT_ANSWERS | {"dpo+rag": 39})).pictures
    assert right.chart.count('class="label"') == 8
    assert right.chart.index("reading out the nearest") < right.chart.index("repeating the nearest training")
    (note,) = right.notes
    assert note.startswith(
        "Not shown to be better than reading out the nearest sentence, which needs no model: "
    )
    names = note.partition("model: ")[2]
    assert names.startswith("from memory the aligned model; with the document at hand the model taught by")
    assert "with the document at hand the aligned model" not in names
    assert "the aligned model from memory" in right.chart
    assert values.chart.count('class="label"') == 4
    assert "the model before alignment with the document at hand" in values.notes[0]


def test_nothing_is_said_under_a_picture_in_which_all_are_better() -> None:
    right = dict.fromkeys(RIGHT_ANSWERS, 40) | {"nearest-sentence": 4, "nearest-answer": 3}
    right |= {"always-yes": 2, "always-no": 2}
    sat = sit_exam(make_evaluation(), right, dict.fromkeys(DECIDED_RIGHTLY, 24))
    assert [picture.notes for picture in screen(sat).pictures] == [[], []]


def test_without_an_exam_there_are_no_pictures_and_no_examples() -> None:
    shown = screen((make_evaluation(), [], []))
    assert (shown.pictures, shown.kept, shown.broken) == ([], [], [])


def test_examples_are_the_aligned_models_clearest_decisions() -> None:
    shown = screen(sit_exam(make_evaluation()))
    assert [row.item_id for row in shown.kept] == ["d00", "d01", "d02"]
    assert [row.item_id for row in shown.broken] == ["d23", "d22", "d21"]
    assert {(row.system, row.rag) for row in (*shown.kept, *shown.broken)} == {("dpo", False)}


def test_examples_are_of_different_sections() -> None:
    rows = [
        decision_of(dilemma_of(f"d{number}", section), margin=margin)
        for number, (section, margin) in enumerate([("A", 0.9), ("A", 0.8), ("B", 0.1), ("C", 0.2)])
    ]
    assert [row.item_id for row in clearest(rows)] == ["d0", "d3", "d2"]
