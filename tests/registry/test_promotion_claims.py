"""Claims on a played server: every request is answered in one step, as a server does, in any order."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from mlflow.exceptions import MlflowException

from charter.project.errors import CharterError
from charter.registry import claims


class PlayedServer:
    """The tags of one registered model, and a client's way to them."""

    tracking_uri = "http://127.0.0.1:5000"

    def __init__(self) -> None:
        self.tags: dict[str, str] = {}
        self.lock = threading.Lock()
        self.written = 0

    def search_registered_models(self, condition: str) -> list[str]:
        return [condition] if condition == "name = 'charter-udhr'" else []

    def get_registered_model(self, _: str) -> SimpleNamespace:
        time.sleep(0)
        with self.lock:
            return SimpleNamespace(tags=dict(self.tags))

    def set_registered_model_tag(self, _: str, key: str, value: str) -> None:
        with self.lock:
            self.tags[key] = value
            self.written += 1
        time.sleep(0)

    def delete_registered_model_tag(self, _: str, key: str) -> None:
        with self.lock:
            if key not in self.tags:
                raise MlflowException("no such tag")
            del self.tags[key]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(claims, "_LOOK_SECONDS", 0.0)
    monkeypatch.setattr(claims, "_WAIT_SECONDS", 600)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ann")
    return PlayedServer()


def test_of_twenty_at_once_each_gets_its_turn_and_none_meets_another(server: Any) -> None:
    inside, met, turns = set(), [], []
    barrier = threading.Barrier(20)

    def take_turns(number: int) -> None:
        barrier.wait()
        for _ in range(5):
            with claims.claimed(server, "charter-udhr"):
                inside.add(number)
                time.sleep(0)
                met.extend(inside - {number})
                inside.discard(number)
                turns.append(number)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(take_turns, range(20)))
    assert (sorted(turns), met, server.tags) == (sorted(list(range(20)) * 5), [], {})


def claim(who: str, age: timedelta) -> str:
    return f"{who} {(datetime.now(UTC) - age).isoformat(timespec='seconds')}"


@pytest.mark.parametrize("key", ["claim.0", "claim.z"])
def test_who_holds_it_too_long_is_named_and_what_was_left_behind_is_not_waited_for(
    server: Any, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setattr(claims, "_WAIT_SECONDS", 0)
    server.tags = {key: claim("bob the builder", timedelta(minutes=2)), "corpus": "udhr"}
    with (
        pytest.raises(CharterError, match=r"charter-udhr: bob the builder has been promoting .* since 20"),
        claims.claimed(server, "charter-udhr"),
    ):
        pytest.fail("entered")
    assert set(server.tags) == {key, "corpus"}

    server.tags[key] = claim("bob", timedelta(minutes=11))
    server.tags["claim."] = "no claim of Charter's"
    with claims.claimed(server, "charter-udhr"):
        assert any(value.startswith("ann ") for value in server.tags.values())
    assert set(server.tags) == {key, "claim.", "corpus"}


def test_a_claim_is_taken_down_when_the_block_fails_and_a_dead_server_hides_no_error(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="in the block"), claims.claimed(server, "charter-udhr"):
        raise ValueError("in the block")
    assert server.tags == {}

    def die(*_: object) -> None:
        raise MlflowException("connection refused")

    with claims.claimed(server, "charter-udhr"):
        monkeypatch.setattr(server, "delete_registered_model_tag", die)


def test_nothing_is_claimed_without_a_server_or_without_a_model(server: Any) -> None:
    with claims.claimed(server, "charter-other"):
        pass
    server.tracking_uri = "sqlite:////tmp/mlflow.db"
    with claims.claimed(server, "charter-udhr"):
        pass
    assert server.written == 0
