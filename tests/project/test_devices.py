"""What is said of a device before a model is loaded: of a GPU that is played, and of processors."""

import pytest
import torch

from charter.project import devices
from charter.project.devices import held_by_others, tell_limits
from charter.project.params import Params

GPU = torch.device("cuda", 1)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Of a GPU of 80 GiB, what is free and what this process has, in GiB."""
    has = {"free": 80.0, "own": 0.0}
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (int(has["free"] * 2**30), 80 * 2**30))
    monkeypatch.setattr(devices, "resolve_device", lambda _: GPU)
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: int(has["own"] * 2**30))
    return has


def test_what_a_server_holds_is_told_with_what_to_do(
    memory: dict[str, float], params: Params, capsys: pytest.CaptureFixture[str]
) -> None:
    memory["free"] = 8.5
    tell_limits(params.compute)
    assert "other programs hold 71.5 of the 80.0 GiB of GPU 1" in (said := capsys.readouterr().err)
    assert "Teacher and trainer on one GPU" in said


@pytest.mark.parametrize(("free", "own"), [(80.0, 0.0), (79.0, 0.0), (20.0, 59.0)])
def test_a_desktop_and_what_the_process_itself_has_are_not(
    memory: dict[str, float], params: Params, capsys: pytest.CaptureFixture[str], free: float, own: float
) -> None:
    memory |= {"free": free, "own": own}
    assert held_by_others(GPU) is None
    tell_limits(params.compute)
    assert capsys.readouterr().err == ""


def test_a_processor_has_none_to_tell_of() -> None:
    assert held_by_others(torch.device("cpu")) is None


@pytest.mark.parametrize(
    ("dtype", "native", "told"),
    [("bfloat16", False, True), ("bfloat16", True, False), ("float32", False, False), ("auto", False, False)],
)
def test_a_type_that_a_processor_only_emulates_is_told(
    params: Params,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    dtype: str,
    native: bool,
    told: bool,
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: native)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    tell_limits(params.compute.model_copy(update={"dtype": dtype, "device": "cpu"}))
    assert ("only emulates" in capsys.readouterr().err) is told
