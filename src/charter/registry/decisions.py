"""Decisions: who made which version champion or refused it, when and why.

They are all the history there is: each is a tag of the version that it is about, and a file beside its
adapter.
"""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from mlflow import MlflowClient
from pydantic import BaseModel, Field

from charter.project.storage import write_text
from charter.registry.conditions import Condition
from charter.registry.failures import user_name
from charter.registry.versions import MODEL_ID, all_versions

_TAG = "decision."


def _user() -> str:
    try:
        return user_name() or getpass.getuser()
    except (KeyError, OSError):  # in a container a user may have no name
        return f"uid {os.getuid()}"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Decision(BaseModel):
    """One decision on a version: ``previous`` was champion before it, None where there was none.

    ``when`` is UTC in ISO 8601, ``who`` MLFLOW_TRACKING_USERNAME or the user of the operating system.
    """

    model: str
    version: int
    action: Literal["promoted", "forced", "refused", "rolled back"]
    previous: int | None
    who: str = Field(default_factory=_user)
    when: str = Field(default_factory=_now)
    reason: str | None = None
    conditions: list[Condition] = []

    @property
    def failed(self) -> list[str]:
        """The conditions that didn't hold."""
        return [condition.text for condition in self.conditions if not condition.passed]


@contextmanager
def recording(client: MlflowClient, decision: Decision) -> Iterator[None]:
    """Add a decision to the version that it is about, if the block, which carries it out, ends well.

    The file is written before the block: who has no right to that shall not move an alias either.
    """
    version, text = str(decision.version), decision.model_dump_json(indent=1)
    if model_id := client.get_model_version(decision.model, version).tags.get(MODEL_ID):
        with TemporaryDirectory() as folder:
            write_text(Path(folder, f"{decision.when.replace(':', '')}.json"), text)
            client.log_model_artifacts(model_id, folder, "decisions")
    yield
    client.set_model_version_tag(decision.model, version, _TAG + decision.when, text)


def read_history(client: MlflowClient, name: str) -> list[Decision]:
    """Return the decisions on the versions of a registered model that still exist, oldest first."""
    found = [
        Decision.model_validate_json(value)
        for version in all_versions(client, name).values()
        for tag, value in version.tags.items()
        if tag.startswith(_TAG)
    ]
    return sorted(found, key=lambda decision: decision.when)


def champions_before(client: MlflowClient, name: str, champion: int) -> list[int]:
    """Return the versions that were champion before the present one and still exist, oldest first.

    Those that were rolled back aren't among them.
    """
    # Before Charter recorded decisions, it kept such a list.
    older = client.get_registered_model(name).tags.get("previous_champions", "")
    champions = [int(number) for number in older.split(",") if number]
    for decision in read_history(client, name):
        if decision.action == "refused":
            continue
        if decision.previous is not None:
            champions = _back_to(champions, decision.previous)
        back = decision.action == "rolled back"
        champions = _back_to(champions, decision.version) if back else [*champions, decision.version]
    existing = all_versions(client, name).keys() - {champion}
    return [number for number in _back_to(champions, champion) if number in existing]


def _back_to(champions: list[int], number: int) -> list[int]:
    """Cut off what came after a champion; one that isn't there was made champion by other means."""
    while champions and number in champions and champions[-1] != number:
        champions = champions[:-1]
    return champions if number in champions else [*champions, number]
