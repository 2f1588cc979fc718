"""Exporting and comparing data."""

from collections.abc import Callable
from typing import Any

Charter = Callable[..., Any]


def test_nothing_is_exported_of_an_unknown_corpus(charter: Charter, tmp_path: Any) -> None:
    done = charter("export", "data", "nowhere", "--to", str(tmp_path / "out"))
    assert done.code == 1
    assert done.err == "charter: no corpus 'nowhere' in params.yaml; there are udhr, bcg\n"
    assert not (tmp_path / "out").exists()
