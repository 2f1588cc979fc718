"""Trainings in two processes: the same steps, the same losses, one set of outputs, errors that surface."""

import csv
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import InstructExample, PreferencePair
from charter.training import preference
from charter.training.fine_tuning import train_on_answers
from charter.training.launch import launch
from charter.training.preference import train_on_preferences

ProjectMaker = Callable[[str], CorpusPaths]


def fail(bug: bool) -> None:
    if os.environ["RANK"] == "1":
        raise KeyError("weights") if bug else CharterError("sft.max_length: too short")


def losses(paths: CorpusPaths, stage: str) -> list[float]:
    with paths.curve(stage).open() as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


def weights(paths: CorpusPaths, stage: str) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = load_file(paths.adapter(stage) / "adapter_model.safetensors")
    return weights


def in_processes(params: Params, processes: int, rows_a_step: int) -> Params:
    batch = {"batch_size": rows_a_step // processes}
    return params.model_copy(
        update={
            "compute": params.compute.model_copy(update={"processes": processes}),
            "sft": params.sft.model_copy(update=batch),
            "dpo": params.dpo.model_copy(update=batch),
        }
    )


def assert_close(one: CorpusPaths, two: CorpusPaths, stage: str) -> None:
    assert losses(two, stage) == pytest.approx(losses(one, stage), rel=1e-4)
    first, second = weights(one, stage), weights(two, stage)
    assert first.keys() == second.keys()
    for name, weight in first.items():
        assert torch.allclose(weight, second[name], atol=2e-4), name


def align_and_note(note: Path, *args: Any) -> None:
    """Train, and note by rank what the reference is checked with."""
    check = preference.check_reference

    def noted(model: Any, *rest: Any) -> None:
        note.with_suffix(f".{os.environ['RANK']}").write_text(type(model).__name__)
        check(model, *rest)

    preference.check_reference = noted
    train_on_preferences(*args)


@pytest.mark.models
def test_the_reference_is_checked_with_the_prepared_model(
    make_project: ProjectMaker,
    quick: Params,
    answers: list[InstructExample],
    pairs: list[PreferencePair],
    tmp_path: Path,
) -> None:
    paths, params = make_project("project"), in_processes(quick, 2, rows_a_step=4)
    train_on_answers(answers, [], quick, paths)
    launch(2, align_and_note, tmp_path / "model", pairs, [], params, paths)
    for rank in "01":
        assert (tmp_path / f"model.{rank}").read_text() == "DistributedDataParallel"


@pytest.mark.models
def test_two_processes_train_as_one_does(
    make_project: ProjectMaker, quick: Params, answers: list[InstructExample], pairs: list[PreferencePair]
) -> None:
    one, two = make_project("one"), make_project("two")
    for paths, processes in ((one, 1), (two, 2)):
        params = in_processes(quick, processes, rows_a_step=2)
        tuned = launch(processes, train_on_answers, answers, answers[:4], params, paths)
        aligned = launch(processes, train_on_preferences, pairs, pairs[:4], params, paths)
        if processes == 1:
            expected = tuned, aligned
    assert_close(one, two, "sft")
    assert_close(one, two, "dpo")
    for metrics, single in zip((tuned, aligned), expected, strict=True):
        for name in ("tokens", "steps", "train_examples"):
            assert metrics[name] == single[name]
        assert metrics["eval_loss"] == pytest.approx(single["eval_loss"], rel=1e-4)
    assert not two.checkpoints("sft").exists()


def test_an_error_of_one_process_is_the_callers() -> None:
    with pytest.raises(CharterError, match=r"^sft\.max_length: too short$"):
        launch(2, fail, False)


def test_a_bug_in_one_process_keeps_its_traceback() -> None:
    with pytest.raises(ChildFailedError, match=r"in fail(.|\n)*KeyError: 'weights'"):
        launch(2, fail, True)


def test_one_process_is_this_one() -> None:
    assert launch(1, os.getpid) == os.getpid()


def test_one_of_many_starts_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert launch(4, os.getpid) == os.getpid()
