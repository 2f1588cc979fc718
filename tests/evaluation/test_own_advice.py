"""Advice in a system's own words: what the judge is asked, and what counts as faithful."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from charter.evaluation.exam_scoring import score_exam
from charter.evaluation.own_advice import advice_requests, count_advice, is_faithful, read_advice
from charter.evaluation.statistics import Resampling
from charter.generation.engine import Completion, Request
from charter.generation.journal import JournaledEngine
from charter.project.exam_records import OwnAdvice
from exam_rows import advice_of, dilemma_of


class Overlap:
    """An engine that says Yes where the advice begins as the reply does, and says nothing of Greek."""

    def complete(self, requests: Sequence[Request], admit: object = None) -> Iterator[tuple[int, Completion]]:
        for index, request in enumerate(requests):
            _, reply, advice, _ = request.messages[-1].content.split("\n\n")
            same = reply.split(": ")[1].split()[0] == advice.split(": ")[1].split()[0]
            p = 0.9 if same else 0.2
            alternatives = () if "αλφα" in reply else (("Yes", math.log(p)), ("No", math.log(1 - p)))
            yield index, Completion(text="Yes", tokens=1, alternatives=alternatives, prompt_tokens=10)


def reading(tmp_path: Path, *replies: str) -> list[OwnAdvice]:
    rows = [
        advice_of(dilemma_of(str(number)), given=(None, None)).model_copy(update={"reply": reply})
        for number, reply in enumerate(replies)
    ]
    with JournaledEngine(tmp_path / "journal.sqlite", "judge", Overlap) as judge:
        return read_advice(rows, judge, "advice read by overlap")


def test_the_judge_sees_the_case_the_reply_and_each_advice_in_turn() -> None:
    row = advice_of(dilemma_of("d"))
    faithful, unfaithful = (request.messages[-1].content for request in advice_requests([row]))
    for shown, advice, other in (
        (faithful, row.faithful, row.unfaithful),
        (unfaithful, row.unfaithful, row.faithful),
    ):
        assert row.scenario in shown
        assert row.reply in shown
        assert advice in shown
        assert other not in shown
    assert all(request.choices == ("Yes", "No") for request in advice_requests([row]))


def test_advice_is_read_in_the_order_of_the_rows_and_what_says_nothing_is_wrong(tmp_path: Path) -> None:
    read = reading(tmp_path, "Report the pen.", "Keep the pen.", "Pens are nice.", "αλφα")
    assert [(row.faithful_given, row.unfaithful_given) for row in read[:3]] == [
        (pytest.approx(0.9), pytest.approx(0.2)),
        (pytest.approx(0.2), pytest.approx(0.9)),
        (pytest.approx(0.2), pytest.approx(0.2)),
    ]
    assert [is_faithful(row) for row in read] == [True, False, False, None]


@pytest.mark.parametrize(
    ("given", "faithful"),
    [
        ((0.9, 0.1), True),
        ((0.9, 0.95), False),
        ((0.9, 0.9), False),
        ((0.5, 0.1), False),
        ((0.4, 0.1), False),
        ((None, 0.1), None),
        ((0.9, None), None),
    ],
)
def test_faithful_is_what_is_given_and_more_than_the_other(
    given: tuple[float | None, float | None], faithful: bool | None
) -> None:
    assert is_faithful(advice_of(dilemma_of("d"), given=given)) is faithful


def test_what_was_not_read_of_one_system_counts_for_none_and_systems_are_compared_on_the_rest() -> None:
    dilemmas = [dilemma_of(str(number), f"Part {number % 5}") for number in range(20)]
    advice = [
        advice_of(row, given=(0.9, 0.1) if number % 2 else (0.1, 0.9)) for number, row in enumerate(dilemmas)
    ]
    advice += [
        advice_of(row, "teacher", given=(0.9, 0.1) if number else (None, 0.1))
        for number, row in enumerate(dilemmas)
    ]
    assert {label: len(rows) for label, rows in count_advice(advice).items()} == {"dpo": 19, "teacher": 19}
    figures, comparisons = score_exam([], [], Resampling(200, 42), advice)
    assert figures["dpo"]["own_advice"].value == pytest.approx(10 / 19)
    assert (figures["teacher"]["own_advice"].value, figures["teacher"]["own_advice"].n) == (1, 19)
    (compared,) = comparisons
    assert compared.contrast == ("dpo", "teacher", "own_advice")
    assert compared.difference.value == pytest.approx(10 / 19 - 1)
    assert compared.p_holm is None
