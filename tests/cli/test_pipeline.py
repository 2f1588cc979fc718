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
