"""What reading answers comes to: shares of systems, and kappa of people, the exam's scorer and judges."""

import pytest
from sklearn.metrics import cohen_kappa_score

from charter.evaluation.answer_figures import AnswerFigures, answer_figures
from charter.evaluation.results import OPPONENT
from charter.evaluation.statistics import Resampling
from charter.project.exam_records import ExamAnswer
from charter.project.records import Judgement, Prediction
from charter.project.review_records import AnswerDecision
from charter.report.sentences import answers_sentence
from exam_rows import answer_of, question_of
from review_rows import found, prediction_of

ITEMS = [f"i{number}" for number in range(8)]
OWN = [prediction_of(item, f"dpo says {item}", chunk_id=f"chunk {item}") for item in ITEMS]
THEIRS = [prediction_of(item, f"seed says {item}", "seed", True, f"chunk {item}") for item in ITEMS]
VERDICTS = {True: "right", False: "wrong"}


def figures(
    decisions: list[AnswerDecision],
    predictions: list[Prediction] | None = None,
    judgements: list[Judgement] | None = None,
) -> AnswerFigures:
    predictions = [*OWN, *THEIRS] if predictions is None else predictions
    return answer_figures(decisions, predictions, judgements or [], Resampling(200, 1))


def judged(
    item: str, probability: float | None, label: str = "dpo", judge: str = "teacher"
) -> list[Judgement]:
    """A judge's verdicts on a pair in both orders: with this probability the system's answer is better."""
    return [
        Judgement(
            id=f"{judge} {label} {item} {swapped}",
            item_id=item,
            chunk_id=f"chunk {item}",
            comparison=f"win_rate:{label}",
            swapped=swapped,
            probability_first=probability and (1 - probability if swapped else probability),
            mass=1.0,
            judge=judge,
        )
        for swapped in (False, True)
    ]


def test_answers_are_counted_once_and_who_is_unsure_leaves_it_to_others() -> None:
    decisions = [
        found(OWN[0], "right"),
        found(OWN[1], "right"),
        found(OWN[1], "unsure", "Bob"),
        found(OWN[2], "right"),
        found(OWN[2], "wrong", "Bob"),
        found(OWN[3], "unsure"),
        found(OWN[4], "right"),
        found(OWN[4], "wrong", " ada "),
    ]
    counted = figures(decisions)
    assert dict(counted.outcomes) == {"right": 2, "disputed": 1, "unsure": 1, "wrong": 1}
    assert (counted.right["dpo"].value, counted.right["dpo"].n) == (pytest.approx(2 / 3), 3)
    assert list(counted.right) == ["dpo"]
    said = answers_sentence(counted)
    assert (
        "People read 5 answers, not knowing whose they were: 2 right, 1 wrong, 1 unsure, 1 disputed." in said
    )
    assert "SFT+DPO .667 [" in said


def test_an_equal_answer_of_another_system_is_the_same_answer_and_another_text_is_not() -> None:
    same = prediction_of(ITEMS[0], OWN[0].answer, "teacher", chunk_id=OWN[0].chunk_id)
    trained_again = prediction_of(ITEMS[1], "says otherwise now", chunk_id=OWN[1].chunk_id)
    no_model = prediction_of(ITEMS[0], OWN[0].answer, "nearest-answer", chunk_id=OWN[0].chunk_id)
    counted = figures(
        [found(OWN[0], "right"), found(OWN[1], "wrong")], [OWN[0], trained_again, same, no_model]
    )
    assert {label: (share.value, share.n) for label, share in counted.right.items()} == {
        "dpo": (1, 1),
        "teacher": (1, 1),
    }
    assert counted.outcomes.total() == 2


def test_readers_are_compared_on_what_both_are_sure_of_without_having_seen_the_other() -> None:
    ada = [True, True, True, False, True, False, False, True]
    bob = [True, True, False, False, True, True, False, True]
    decisions = [
        found(row, VERDICTS[verdict], name)
        for name, verdicts in (("Ada", ada), ("Bob", bob))
        for row, verdict in zip(OWN, verdicts, strict=True)
    ]
    # Bob gave in when he had seen what Ada says; Bob has become unsure of another; Cid read something else.
    decisions += [found(OWN[2], "right", "Bob", informed=True), found(OWN[3], "unsure", "Bob")]
    decisions.append(found(THEIRS[0], "right", "Cid"))
    [agreement] = figures(decisions).agreements
    assert agreement.reviewers == ("Ada", "Bob")
    kept = [place for place in range(8) if place != 3]
    expected = cohen_kappa_score([ada[place] for place in kept], [bob[place] for place in kept])
    assert (agreement.kappa.n, agreement.kappa.value) == (7, pytest.approx(expected))


def test_the_scorer_is_held_against_people_on_answers_to_dev_questions() -> None:
    people = [True, True, False, False, True, False]
    marks = [True, False, False, False, True, True]
    answers: list[ExamAnswer] = [
        answer_of(question_of(f"q{number}"), fault=None if mark else "wrong", chunk_id=f"chunk {number}")
        for number, mark in enumerate(marks)
    ]
    decisions = [found(row, VERDICTS[right]) for row, right in zip(answers, people, strict=True)]
    decisions += [found(answer_of(question_of("q9")), "unsure"), found(OWN[0], "right")]
    scorer = figures(decisions).scorer
    assert scorer is not None
    assert (scorer.n, scorer.value) == (6, pytest.approx(cohen_kappa_score(people, marks)))
    assert scorer.low is not None
    assert figures([found(OWN[0], "right")]).scorer is None


def test_a_judge_is_held_against_people_where_they_find_one_right_and_the_other_wrong() -> None:
    assert OPPONENT == "seed+rag"
    own = [True, True, False, False, True, True, True, True]
    theirs = [False, False, True, True, False, True, False, False]
    decisions = [
        found(row, VERDICTS[right])
        for rows, verdicts in ((OWN, own), (THEIRS, theirs))
        for row, right in zip(rows, verdicts, strict=True)
    ]
    # Of i5 people find both right, of i6 the judge says nothing, and i7 isn't judged.
    verdicts = [0.9, 0.2, 0.3, 0.1, 0.8, 0.9, None]
    judgements = [
        row for item, verdict in zip(ITEMS, verdicts, strict=False) for row in judged(item, verdict)
    ]
    judgements += judged("i0", 0.5, judge="larger") + judged("i1", 0.1, label="sft", judge="larger")
    found_figures = figures(decisions, judgements=judgements)
    assert list(found_figures.judges) == ["teacher"]
    expected = cohen_kappa_score(own[:5], [True, False, False, False, True])
    assert (found_figures.judges["teacher"].n, found_figures.judges["teacher"].value) == (
        5,
        pytest.approx(expected),
    )
    said = answers_sentence(found_figures)
    assert "that of seed+RAG, where people find one right and one wrong: teacher .615 [" in said
    assert "on 5 pairs" in said


def test_without_decisions_there_is_nothing_to_say() -> None:
    nothing = figures([])
    assert not nothing.outcomes
    assert (nothing.right, nothing.agreements, nothing.scorer, nothing.judges) == ({}, [], None, {})
    assert answers_sentence(nothing) == "Nobody has read an answer yet."
