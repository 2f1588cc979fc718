from charter.evaluation.results import Estimate, Evaluation
from charter.evaluation.scored_answers import ScoredAnswer
from charter.project.exam_records import ExamAnswer, ExamDecision
from charter.project.records import InstructExample, Rag, System
from charter.report.first_screen import FirstScreen, clearest, first_screen
from exam_rows import decision_of, dilemma_of
from rows import prediction_of
from synthetic_project import DECIDED_RIGHTLY, RIGHT_ANSWERS, make_evaluation, sit_exam


def screen(sat: tuple[Evaluation, list[ExamAnswer], list[ExamDecision]]) -> FirstScreen:
    return first_screen(*sat, chunks=[], gates=[], written=[])


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


def test_of_equals_that_need_no_model_the_first_in_the_table_is_shown() -> None:
    right, _ = screen(sit_exam(make_evaluation(), {"dpo+rag": 16, "nearest-sentence": 22})).pictures
    assert right.chart.index("reading out the nearest") < right.chart.index("repeating the question")
    assert right.chart.count('class="label"') == 8


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


def test_the_right_word_without_a_reason_is_told_beside_right_answers() -> None:
    evaluation, answers, decisions = sit_exam(make_evaluation())
    said = Estimate(value=0.6, low=0.5, high=0.7, n=40)
    evaluation.systems["dpo+rag"]["right_verdicts"] = said
    right, _ = screen((evaluation, answers, decisions)).pictures
    note = right.notes[-1]
    assert note.startswith("Of 40 questions of yes or no the aligned model with the document at hand has")
    assert "right word in 24, be there a reason or not; tossing a coin has it in 20." in note


def test_answers_to_what_the_teacher_wrote_are_chosen_by_their_words() -> None:
    def answer(item: int, system: System, rag: Rag) -> ScoredAnswer:
        asked = InstructExample(
            id=f"{item}", chunk_id="c", rule="", style="rule", question="And?", answer="So."
        )
        row = prediction_of(asked, system, bool(rag), "Yes.")
        return ScoredAnswer(row, "Gifts", "", (), 0.0, item / 100, None)

    def shown(count: int) -> FirstScreen:
        asked = [answer(item, "dpo", rag) for item in range(count) for rag in (False, True)]
        return first_screen(make_evaluation(), [], [], [], [], asked)

    many, few = shown(12), shown(3)
    assert [row.row.item_id for row in many.farthest] == ["0", "1"]
    assert [row.row.item_id for row in many.nearest] == ["11", "10"]
    assert {row.label for row in (*many.farthest, *many.nearest)} == {"dpo+rag"}
    assert ([row.row.item_id for row in few.farthest], [row.row.item_id for row in few.nearest]) == (
        ["0", "1"],
        ["2"],
    )
