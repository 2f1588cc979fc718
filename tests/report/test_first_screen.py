from charter.evaluation.results import Evaluation
from charter.evaluation.scored_answers import ScoredAnswer
from charter.project.exam_records import ExamAnswer, ExamDecision
from charter.project.records import InstructExample, Rag, System
from charter.report.first_screen import FirstScreen, best_and_worst, first_screen
from exam_rows import answer_of, question_of, unanswerable
from rows import prediction_of
from synthetic_project import DECIDED_RIGHTLY, RIGHT_ANSWERS, make_evaluation, sit_exam


def screen(sat: tuple[Evaluation, list[ExamAnswer], list[ExamDecision]]) -> FirstScreen:
    return first_screen(*sat, chunks=[], gates=[], written=[])


def test_pictures_say_where_the_model_is_not_shown_to_be_better_than_what_needs_none() -> None:
    right, values = screen(sit_exam(make_evaluation(), RIGHT_ANSWERS | {"dpo+rag": 39})).pictures
    assert right.chart.count('class="label"') == 6
    assert "a search that reads out the nearest sentence:" in right.chart
    assert right.notes == [
        "The aligned model from memory is worse than a search that reads out the nearest sentence."
    ]
    assert values.chart.count('class="label"') == 4
    assert values.notes == [
        f"The aligned model {how} isn't shown to be better than tossing a coin."
        for how in ("with the document at hand", "from memory")
    ]


def test_of_equals_that_need_no_model_the_first_in_the_table_is_shown() -> None:
    right, _ = screen(sit_exam(make_evaluation(), {"dpo+rag": 16, "nearest-sentence": 22})).pictures
    assert "reads out the nearest sentence" in right.chart
    assert "repeating the question" not in right.chart


def test_nothing_is_said_under_a_picture_in_which_the_model_is_better() -> None:
    right = dict.fromkeys(RIGHT_ANSWERS, 40) | {"nearest-sentence": 4, "nearest-answer": 3}
    right |= {"always-yes": 2, "always-no": 2}
    sat = sit_exam(make_evaluation(), right, dict.fromkeys(DECIDED_RIGHTLY, 24))
    assert [picture.notes for picture in screen(sat).pictures] == [[], []]


def test_without_an_exam_there_are_no_pictures_and_no_sections() -> None:
    shown = screen((make_evaluation(), [], []))
    assert (shown.pictures, shown.best, shown.worst) == ([], [], [])


def test_sections_are_named_by_their_leads() -> None:
    items = [("A", True)] * 5 + [("B", True), ("B", False)] + [("C", False)] * 3 + [("D", True)]
    items += [("E", False), ("F", True), ("F", True), ("G", True), ("C", True)]
    best, worst = best_and_worst(items)
    assert [(score.section, score.right, score.asked) for score in best] == [
        ("A", 5, 5),
        ("F", 2, 2),
        ("D", 1, 1),
    ]
    assert [(score.section, score.right, score.asked) for score in worst] == [("C", 1, 4), ("E", 0, 1)]


def test_sections_and_rules_are_of_the_model_with_the_document_at_hand() -> None:
    evaluation, answers, decisions = sit_exam(make_evaluation(), RIGHT_ANSWERS | {"dpo": 40, "dpo+rag": 0})
    shown = screen((evaluation, answers, [row for row in decisions if not row.rag]))
    assert shown.best == []
    assert sum(score.right for score in shown.worst) == 0


def test_what_to_expect_is_told_as_far_as_it_was_measured() -> None:
    question = question_of("q")
    polar = {"polarity": "yes"}
    asked = [
        answer_of(question, rag=True, answer="gifts are reported", **polar),
        answer_of(question, rag=True, answer="Are reported."),
        answer_of(question, rag=True, answer=""),
        answer_of(question, rag=True, answer="Yes.", **polar, verdict="yes"),
        answer_of(question, rag=True, answer="No.", **polar, verdict="no"),
        answer_of(question, rag=True, answer="It doesn't say.", fault="doesn't answer"),
        answer_of(unanswerable("u"), rag=True, answer="Tomorrow.", fault="makes it up"),
        answer_of(question, "nearest-sentence", answer="Gifts are reported."),
        answer_of(question, "nearest-sentence", rag=False, answer="Gifts are reported."),
        answer_of(question, answer="It doesn't say.", fault="doesn't answer"),
    ]
    assert screen((make_evaluation(), asked, [])).expect[:4] == [
        "2 of the exam's 7 questions it answers, with the document at hand, by reading out the sentence that "
        "a search finds, or a part of it, word for word.",
        "3 of the questions can be answered by yes or no: it says the right word to 1, the wrong one to 1, "
        "and neither to 1.",
        "The document doesn't answer 1 of the questions. It says so to 0 of them, and answers the other 1 as "
        "if it knew.",
        "To 1 of the 6 that the document does answer it says that it doesn't.",
    ]
    told = screen((make_evaluation(), [], [])).expect
    assert [sentence.split()[3] for sentence in told] == ["does", "refuses"]


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
