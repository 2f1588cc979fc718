"""Running a stage: which there are, and what they take."""

from collections.abc import Callable
from typing import Any

import pytest

Charter = Callable[..., Any]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train",), "no stage 'train'; there are base-models"),
        (("sft",), "stage sft takes a corpus"),
        (("report", "udhr"), "stage report takes no corpus"),
        (("arm",), "stage arm takes an arm"),
    ],
)
def test_misuse_is_exit_code_2(charter: Charter, arguments: tuple[str, ...], message: str) -> None:
    done = charter("stage", *arguments)
    assert done.code == 2
    assert message in done.err


def test_an_unknown_corpus_is_told(charter: Charter) -> None:
    done = charter("stage", "sft", "nowhere")
    assert done.code == 1
    assert done.err == "charter: no corpus 'nowhere' in params.yaml; there are udhr, bcg\n"


def test_an_unknown_arm_is_told(charter: Charter) -> None:
    done = charter("stage", "arm", "swapped")
    assert done.code == 1
    assert done.err == "charter: no arm 'swapped' in params.yaml; there are none\n"


@pytest.mark.parametrize(
    ("stage", "remedy"),
    [
        ("sft", "Lower its batch_size"),
        ("evaluate", "Lower evaluate.batch_size"),
        ("synthesize", "Take smaller base_models"),
    ],
)
def test_a_gpu_without_memory_left_is_one_message(
    charter: Charter, monkeypatch: pytest.MonkeyPatch, stage: str, remedy: str
) -> None:
    import torch

    def run(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr(f"charter.stages.{stage}.run", run)
    done = charter("stage", stage, "udhr")
    assert done.code == 1
    assert done.err.startswith(f"charter: stage {stage}: the GPU's memory ran out. {remedy}")


def test_another_error_of_a_stage_is_not_taken_for_memory(
    charter: Charter, monkeypatch: pytest.MonkeyPatch
) -> None:
    from charter.stages import sft

    def run(*_: Any) -> None:
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(sft, "run", run)
    with pytest.raises(RuntimeError, match="shapes differ"):
        charter("stage", "sft", "udhr")
