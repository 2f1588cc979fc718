"""A training killed by SIGKILL, wherever it was, ends with the bytes of one that was left alone."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import Trainer

from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import InstructExample, PreferencePair
from charter.training.checkpoints import SEAL, remove_stale, run_folder
from charter.training.fine_tuning import train_on_answers
from charter.training.loop import TrainingMonitor
from charter.training.preference import train_on_preferences

ProjectMaker = Callable[[str], CorpusPaths]


def die_in_step(step: int, train: Callable[..., Any], *args: Any) -> None:
    """Train until a step is made, and be killed."""
    step_end = TrainingMonitor.on_step_end

    def kill(self: TrainingMonitor, arguments: Any, state: Any, control: Any, **rest: Any) -> None:
        step_end(self, arguments, state, control, **rest)
        if state.global_step == step:
            os.kill(os.getpid(), signal.SIGKILL)

    TrainingMonitor.on_step_end = kill  # type: ignore[method-assign]
    train(*args)


def die_while_saving(step: int, train: Callable[..., Any], *args: Any) -> None:
    """Train until half a step's checkpoint is written, and be killed."""
    save_random_state = Trainer._save_rng_state

    def kill(self: Any, folder: str) -> None:
        save_random_state(self, folder)
        if self.state.global_step == step:
            os.kill(os.getpid(), signal.SIGKILL)

    Trainer._save_rng_state = kill
    train(*args)


def killed(die: Callable[..., None], step: int, train: Callable[..., Any], *args: Any) -> None:
    process = multiprocessing.get_context("spawn").Process(target=die, args=(step, train, *args))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def outcome(paths: CorpusPaths, stage: str) -> list[bytes]:
    adapter = (paths.adapter(stage) / "adapter_model.safetensors").read_bytes()
    return [adapter, paths.curve(stage).read_bytes()]


def last_step(paths: CorpusPaths, stage: str) -> int:
    seals = paths.checkpoints(stage).glob(f"*/*/{SEAL}")
    return max(int(seal.parent.name.removeprefix("checkpoint-")) for seal in seals)


@pytest.fixture
def long(quick: Params) -> Params:
    """Twelve steps, three an epoch, a checkpoint every other step; dropout, so that random states count."""
    training = {"batch_size": 2, "epochs": 4.0}
    lora = quick.sft.lora.model_copy(update={"dropout": 0.1})
    return quick.model_copy(
        update={
            "sft": quick.sft.model_copy(update=training | {"lora": lora}),
            "dpo": quick.dpo.model_copy(update=training),
        }
    )


@pytest.fixture
def steps_made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the steps that were made in this process."""
    made: list[int] = []
    step_end = TrainingMonitor.on_step_end

    def note(self: TrainingMonitor, arguments: Any, state: Any, control: Any, **rest: Any) -> None:
        made.append(state.global_step)
        step_end(self, arguments, state, control, **rest)

    monkeypatch.setattr(TrainingMonitor, "on_step_end", note)
    return made


@pytest.mark.models
def test_a_killed_fine_tuning_ends_with_the_same_bytes(
    make_project: ProjectMaker, long: Params, answers: list[InstructExample], steps_made: list[int]
) -> None:
    alone, paths = make_project("alone"), make_project("killed")
    whole = train_on_answers(answers, answers[:3], long, alone)

    training = (train_on_answers, answers, answers[:3], long, paths)
    killed(die_in_step, 5, *training)
    assert last_step(paths, "sft") == 4  # within an epoch
    killed(die_while_saving, 8, *training)
    assert last_step(paths, "sft") == 6  # an epoch's end, its evaluation made
    steps_made.clear()
    resumed = train_on_answers(*training[1:])

    assert steps_made == [7, 8, 9, 10, 11, 12]
    assert outcome(paths, "sft") == outcome(alone, "sft")
    same = {"tokens", "steps", "train_loss", "eval_loss", "train_examples"}
    assert {name: resumed[name] for name in same} == {name: whole[name] for name in same}
    now = resumed["tokens_per_second"] * resumed["runtime_seconds"]
    assert now == pytest.approx(resumed["tokens"] / 2)
    assert not paths.checkpoints("sft").exists()
    assert not alone.checkpoints("sft").exists()


@pytest.mark.models
def test_a_killed_dpo_ends_with_the_same_bytes(
    make_project: ProjectMaker,
    long: Params,
    answers: list[InstructExample],
    pairs: list[PreferencePair],
    steps_made: list[int],
) -> None:
    alone, paths = make_project("alone"), make_project("killed")
    for project in (alone, paths):
        train_on_answers(answers, [], long, project)
    train_on_preferences(pairs, pairs[:3], long, alone)

    training = (train_on_preferences, pairs, pairs[:3], long, paths)
    killed(die_in_step, 5, *training)
    assert last_step(paths, "dpo") == 4
    steps_made.clear()
    train_on_preferences(*training[1:])
    assert steps_made == [5, 6, 7, 8, 9, 10, 11, 12]
    assert outcome(paths, "dpo") == outcome(alone, "dpo")
    assert not paths.checkpoints("dpo").exists()


@pytest.mark.models
def test_what_determines_a_run_names_its_folder(
    make_project: ProjectMaker, long: Params, answers: list[InstructExample]
) -> None:
    paths = make_project("project")
    other_seed = long.model_copy(update={"seed": long.seed + 1})
    in_two = long.model_copy(update={"compute": long.compute.model_copy(update={"processes": 2})})
    slower = long.model_copy(update={"sft": long.sft.model_copy(update={"learning_rate": 1e-5})})
    runs = [
        run_folder("sft", (answers, answers[:1]), long, paths, [paths.seed]),
        run_folder("sft", (answers[:5], answers[5:]), long, paths, [paths.seed]),
        run_folder("sft", (answers[::-1], answers[:1]), long, paths, [paths.seed]),
        run_folder("sft", (answers, answers[:1]), slower, paths, [paths.seed]),
        run_folder("sft", (answers, answers[:1]), other_seed, paths, [paths.seed]),
        run_folder("sft", (answers, answers[:1]), in_two, paths, [paths.seed]),
        run_folder("sft", (answers, answers[:1]), long, paths, []),
    ]
    assert len(set(runs)) == len(runs)
    assert run_folder("sft", (answers, answers[:1]), long, paths, [paths.seed]) == runs[0]


def test_only_what_is_whole_and_of_this_run_stays(tmp_path: Path) -> None:
    run, other = tmp_path / "run", tmp_path / "other"
    for checkpoint in (
        run / "checkpoint-2",
        run / "checkpoint-10",
        run / "checkpoint-12",
        other / "checkpoint-20",
    ):
        checkpoint.mkdir(parents=True)
    for step in (2, 10):
        (run / f"checkpoint-{step}" / SEAL).touch()
    (run / "train").mkdir()
    remove_stale(run)
    assert not other.exists()
    assert {item.name for item in run.iterdir()} == {"checkpoint-2", "checkpoint-10", "train"}
