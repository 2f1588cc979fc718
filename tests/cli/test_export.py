"""Exporting data and models."""

from collections.abc import Callable
from typing import Any

import pytest

Charter = Callable[..., Any]


@pytest.mark.parametrize("arguments", [("data", "nowhere", "--to"), ("model", "nowhere@champion")])
def test_nothing_is_exported_of_an_unknown_corpus(
    charter: Charter, tmp_path: Any, arguments: tuple[str, ...]
) -> None:
    done = charter("export", *arguments, str(tmp_path / "out"))
    assert done.code == 1
    assert done.err == "charter: no corpus 'nowhere' in params.yaml; there are udhr, bcg\n"
    assert not (tmp_path / "out").exists()
