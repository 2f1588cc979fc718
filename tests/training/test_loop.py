import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from trl import DPOConfig, SFTConfig

from charter.project.params import Params
from charter.training.loop import LengthGroupedSampler, TrainingMonitor, padded_length, trainer_arguments

LENGTHS = [5, 40, 7, 38, 6, 39, 8, 41, 9, 37, 4, 42, 5, 43, 6, 36]


def order(epoch: float, seed: int = 1, rows_a_step: int = 2) -> list[int]:
    return list(LengthGroupedSampler(LENGTHS, rows_a_step, seed, lambda: epoch))


def test_every_row_is_seen_once_in_an_order_of_seed_and_epoch() -> None:
    assert sorted(order(0)) == list(range(len(LENGTHS)))
    assert order(1) == order(1.75)
    assert order(0) != order(1)
    assert order(0) != order(0, seed=2)


def test_rows_of_like_length_share_a_step() -> None:
    for epoch in range(5):
        rows = order(epoch, rows_a_step=4)
        for start in range(0, len(rows), 4):
            lengths = [LENGTHS[row] for row in rows[start : start + 4]]
            assert max(lengths) - min(lengths) < 10


def test_steps_come_in_no_order_of_length() -> None:
    longest = [max(LENGTHS[row] for row in order(epoch, rows_a_step=4)[:4]) for epoch in range(8)]
    assert len(set(longest)) > 1


def test_an_incomplete_step_comes_last() -> None:
    rows = order(0, rows_a_step=5)
    assert len(rows) == 16
    for start in (0, 5, 10):
        lengths = sorted(LENGTHS[row] for row in rows[start : start + 5])
        assert lengths[-1] - lengths[0] < 35
    assert LENGTHS[rows[-1]] == min(LENGTHS)


def test_a_pair_is_as_long_as_its_longer_side() -> None:
    assert padded_length({"input_ids": [1, 2, 3]}) == 3
    assert padded_length({"prompt_ids": [1, 2], "chosen_ids": [3], "rejected_ids": [3, 4, 5]}) == 5


@pytest.mark.parametrize("kind", [SFTConfig, DPOConfig])
def test_one_process_uses_one_of_the_gpus_it_sees(
    kind: type, params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    monkeypatch.setattr("torch.cuda.set_device", lambda _: None)
    on_gpu = params.compute.model_copy(update={"device": "auto", "dtype": "float32"})
    stock = kind(output_dir=str(tmp_path), bf16=False, per_device_train_batch_size=params.sft.batch_size)
    assert stock.train_batch_size == 4 * params.sft.batch_size
    ours = trainer_arguments(kind, params.sft, params.model_copy(update={"compute": on_gpu}), tmp_path)
    assert (ours.device.type, ours.n_gpu) == ("cuda", 1)
    assert ours.train_batch_size == params.sft.batch_size


class Stream(io.StringIO):
    def __init__(self, terminal: bool):
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def shown(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> str:
    """What is seen of forty steps."""
    stream = Stream(terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    monitor, state = (
        TrainingMonitor("sft"),
        SimpleNamespace(
            log_history=[{"loss": 1.0}],
            global_step=0,
            max_steps=40,
            num_input_tokens_seen=0,
            is_world_process_zero=True,
        ),
    )
    monitor.on_train_begin(None, state, None)
    for step in range(1, 41):
        state.global_step = step
        monitor.on_step_end(None, state, None)
        monitor.on_log(None, state, None, {"loss": 1 / step})
    monitor.on_train_end(None, state, None)
    return stream.getvalue()


def test_a_log_has_ten_plain_lines_of_a_training(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(False, monkeypatch)
    assert "\r" not in text
    lines = text.splitlines()
    assert len(lines) == 10
    assert "4/40" in lines[0]
    assert "loss=0.025" in lines[-1]


def test_a_terminal_has_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(True, monkeypatch)
    assert text.startswith("\rsft:")
    assert "40/40" in text
