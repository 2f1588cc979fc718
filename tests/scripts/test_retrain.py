"""Models trained anew: other seeds, and planted wrong answers."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import InstructExample, Prediction
from charter.project.storage import read_rows, write_rows
from rows import prediction_of
from synthetic_project import ROOT

pytestmark = pytest.mark.models


@pytest.fixture
def project(tiny_project: CorpusPaths) -> CorpusPaths:
    """What `make repro` leaves of a corpus, as far as training it anew reads it."""
    shutil.copy(ROOT / "params.yaml", tiny_project.params)
    rows = read_rows(tiny_project.instruct("train"), InstructExample)
    write_rows(
        tiny_project.instruct("test"),
        (row.model_copy(update={"chunk_id": str(place)}) for place, row in enumerate(rows)),
    )
    return tiny_project


def contents(root: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in root.rglob("*") if file.is_file()}


def test_each_seed_is_trained_and_the_spread_is_told(
    load_script: Callable[[str], ModuleType],
    project: CorpusPaths,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before, script, trained = contents(project.root), load_script("scripts/retrain"), []
    for name in ("train_on_answers", "train_on_preferences"):
        train = getattr(script, name)

        def note(*arguments: Any, train: Callable[..., Any] = train) -> Any:
            trained.extend(item.seed for item in arguments if isinstance(item, Params))
            return train(*arguments)

        monkeypatch.setattr(script, name, note)
    assert script.main(["bcg", "--seeds", "1", "2"], project.root) == 0
    assert trained == [1, 1, 2, 2]
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("  bleu")[0] for line in lines[:4]] == [
        f"seed {seed}  {system}" for seed in (1, 2) for system in ("sft", "dpo")
    ]
    assert [line.partition(":")[0] for line in lines[4:]] == [
        "sft bleu",
        "sft rougeL",
        "dpo bleu",
        "dpo rougeL",
    ]
    assert all("standard deviation 0." in line and "of 2" in line for line in lines[4:])
    assert contents(project.root) == before


@pytest.mark.parametrize("worse", [True, False])
def test_shuffled_answers_must_be_shown_to_be_worse(
    load_script: Callable[[str], ModuleType],
    project: CorpusPaths,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    worse: bool,
) -> None:
    script = load_script("scripts/retrain")

    def answers(right: bool) -> list[Prediction]:
        rows = read_rows(project.instruct("test"), InstructExample)
        return [
            prediction_of(row, "sft", rag=False, answer=row.answer if right else "Perhaps.") for row in rows
        ]

    write_rows(project.predictions, answers(right=worse))
    monkeypatch.setattr(script, "_answer", lambda *_: answers(right=not worse))
    assert script.main(["bcg", "--shuffle"], project.root) == (0 if worse else 1)
    assert ("NOT shown" in capsys.readouterr().out) is not worse


def test_what_is_missing_is_a_message_and_an_exit_code(
    load_script: Callable[[str], ModuleType], project: CorpusPaths, capsys: pytest.CaptureFixture[str]
) -> None:
    script = load_script("scripts/retrain")
    with pytest.raises(SystemExit) as ended:
        script.main(["nowhere"], project.root)
    assert ended.value.code == 2
    assert "no corpus 'nowhere'; there are udhr, bcg" in capsys.readouterr().err
    project.instruct("test").unlink()
    assert script.main(["bcg"], project.root) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == f"{project.instruct('test')}: no such file; `dvc repro` makes it\n"


def test_shuffling_keeps_questions_and_answers(load_script: Callable[[str], ModuleType]) -> None:
    rows = [
        InstructExample(
            id=str(place), chunk_id="0a", rule="", style="term", question=f"{place}?", answer=f"{place}."
        )
        for place in range(20)
    ]
    found = load_script("scripts/retrain").shuffled(rows, seed=1)
    assert [row.question for row in found] == [row.question for row in rows]
    assert {row.answer for row in found} == {row.answer for row in rows}
    assert sum(row.answer == f"{row.id}." for row in found) < 5
