"""Measuring how well judges read advice."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from charter.evaluation.exam import read_dev
from charter.project.exam_records import LabelledAdvice
from charter.project.paths import ProjectPaths
from charter.project.storage import read_rows
from exam_rows import advice_of, dilemma_of

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def script(load_script: Callable[[str], ModuleType]) -> ModuleType:
    return load_script("scripts/measure_advice")


def test_labelled_replies_are_to_dev_dilemmas_and_are_asked_as_they_are(script: ModuleType) -> None:
    labelled = read_rows(ROOT / script.LABELLED, LabelledAdvice)
    assert len({row.id for row in labelled}) == len(labelled) >= 100
    assert set(Counter(row.advice for row in labelled)) == {"faithful", "unfaithful", "neither"}
    asked = script.unread_advice(ProjectPaths(ROOT), labelled)
    scenarios = {
        row.id: row.scenario
        for corpus in ("udhr", "bcg")
        for row in read_dev(ProjectPaths(ROOT).corpus(corpus)).dilemmas
    }
    for row, advice in zip(labelled, asked, strict=True):
        assert (advice.reply, advice.scenario) == (row.reply, scenarios[row.item])
        assert row.system == advice.system + ("+rag" if advice.rag else "")


def test_a_judge_is_held_against_the_labels_and_what_it_could_not_read_is_counted(script: ModuleType) -> None:
    given = [(0.9, 0.1), (0.9, 0.1), (0.1, 0.9), (0.1, 0.2), (None, 0.1)]
    advice = ["faithful", "neither", "unfaithful", "faithful", "faithful"]
    read = [advice_of(dilemma_of(str(number)), given=pair) for number, pair in enumerate(given)]
    labelled = [
        LabelledAdvice(
            id=row.id, corpus="udhr", item=row.item_id, system="dpo", reply=row.reply, advice=label
        )
        for row, label in zip(read, advice, strict=True)
    ]
    unread, replies, faithful, agreed, _, wrongly, wrongly_not = script.cells(labelled, read)
    assert (unread, replies, faithful) == ("1", "4", "2")
    assert (float(agreed), wrongly, wrongly_not) == (0.0, "1 of 2", "1 of 2")
