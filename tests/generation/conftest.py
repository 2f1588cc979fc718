"""What the tests of generation share."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from openai import _base_client

from played_server import Played


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Iterator[Played]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setattr(_base_client, "INITIAL_RETRY_DELAY", 0.02)
    monkeypatch.setattr(_base_client, "MAX_RETRY_DELAY", 0.1)
    with ExitStack() as stack:
        yield Played(stack)
