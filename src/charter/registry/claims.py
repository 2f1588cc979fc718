"""Promotions over a tracking server, one after the other, though a server has no lock.

Who is about to move a champion puts up a *claim*, a tag of the registered model, then looks at the others'.
It goes on when there are none. Of those who see each other the one with the lowest key keeps its claim up and
waits; the others take theirs down until it is through. This is the one-bit algorithm for mutual exclusion
(Lamport, The Mutual Exclusion Problem, Part II, 1986), which asks of a server that it shows what was written.
"""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from charter.project.errors import CharterError
from charter.registry.failures import user_name
from charter.registry.store import is_server

_KEY = "claim."
_WAIT_SECONDS = 60
_LOOK_SECONDS = 2.0
_LEFT_AFTER = timedelta(minutes=10)
"""So old a claim is of a process that was cut off."""


@contextmanager
def claimed(client: MlflowClient, name: str) -> Iterator[None]:
    """Keep other machines from moving the champion of a registered model during the block.

    Nothing is done where the store is no server, or has no such model.

    Raises:
        CharterError: One of them has been at it for a minute.
    """
    if not is_server(client.tracking_uri) or not client.search_registered_models(f"name = '{name}'"):
        yield
        return
    mine = f"{_KEY}{uuid.uuid4().hex}"
    try:
        _claim(client, name, mine)
        yield
    finally:
        with suppress(MlflowException):  # what the block did stands, and a claim that is left doesn't last
            client.delete_registered_model_tag(name, mine)


def _claim(client: MlflowClient, name: str, mine: str) -> None:
    """Return once this claim was seen to be the only one."""
    is_up, deadline = False, time.monotonic() + _WAIT_SECONDS
    while True:
        others = _others(client, name, mine)
        has_priority = all(mine < key for key in others)
        if is_up and not others:
            return
        if not is_up and has_priority:
            value = f"{user_name() or 'somebody'} {datetime.now(UTC).isoformat(timespec='seconds')}"
            client.set_registered_model_tag(name, mine, value)
            is_up = True
            continue
        if is_up and not has_priority:
            client.delete_registered_model_tag(name, mine)
            is_up = False
        if time.monotonic() > deadline:
            who, _, since = min(others.items())[1].rpartition(" ")
            raise CharterError(
                f"{name}: {who} has been promoting or rolling back since {since}; try again later"
            )
        time.sleep(_LOOK_SECONDS)


def _others(client: MlflowClient, name: str, mine: str) -> dict[str, str]:
    """Return the claims of others by key, without those that were left behind."""
    tags = client.get_registered_model(name).tags
    claims = {key: value for key, value in tags.items() if key.startswith(_KEY) and key != mine}
    return {key: value for key, value in claims.items() if _is_fresh(value)}


def _is_fresh(claim: str) -> bool:
    try:
        return abs(datetime.now(UTC) - datetime.fromisoformat(claim.rpartition(" ")[2])) < _LEFT_AFTER
    except (ValueError, TypeError):  # no claim of Charter's, whatever it is
        return False
