"""Which version of an aligned model is champion: promotion, and the way back.

Each registered model has a champion of its own: ``charter-udhr`` (SFT+DPO) one, ``charter-udhr.sft`` another.
Gates judge what was recorded with a version when it was registered, never the files of the project, which
may be of another state by now.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from charter.project.errors import CharterError
from charter.project.gate import Gate
from charter.project.records import System
from charter.registry import versions
from charter.registry.claims import claimed
from charter.registry.conditions import check_lineage, judge_gates
from charter.registry.decisions import Decision, champions_before, read_history, recording
from charter.registry.store import one_at_a_time, open_store


def promote(
    root: Path,
    corpus: str,
    gates: Sequence[Gate],
    system: System = "dpo",
    *,
    number: int | None = None,
    reason: str | None = None,
    dry_run: bool = False,
) -> Decision:
    """Make a version of a corpus's aligned model champion if all conditions hold, and record the decision.

    It is the candidate, or the version with ``number``. Given a ``reason``, conditions that fail don't count,
    but for binding ones. Nothing is changed or recorded in a dry run, or where the version is champion
    already. Promotions and rollbacks wait for each other.

    Raises:
        CharterError: There is no such version, its record is missing or contradicts itself, others have been
            at it for a minute, or somebody made another version champion meanwhile by other means.
    """
    name = versions.model_name(corpus, system)
    with one_at_a_time(root), open_store(root) as client, nullcontext() if dry_run else claimed(client, name):
        version = _version_to_judge(client, name, corpus, number)
        champion = versions.find_version(client, name, versions.CHAMPION)
        try:
            evaluation = versions.recorded_evaluation(client, version, system)
            scores = versions.recorded_scores(client, version)
        except CharterError as error:
            raise CharterError(f"{error}; `charter publish {corpus}` registers its state anew") from error
        conditions = [
            *judge_gates(client, gates, system, evaluation, scores, champion),
            *check_lineage(client, root, version),
        ]
        failed = [condition for condition in conditions if not condition.passed]
        forced = reason is not None and not any(condition.binding for condition in failed)
        decision = Decision(
            model=name,
            version=int(version.version),
            action="promoted" if not failed else "forced" if forced else "refused",
            previous=int(champion.version) if champion else None,
            reason=reason,
            conditions=conditions,
        )
        if not dry_run and decision.version != decision.previous:
            with recording(client, decision):
                if decision.action != "refused":
                    versions.move_champion(client, name, decision.previous, decision.version)
    return decision


def rollback(root: Path, corpus: str, system: System = "dpo") -> Decision:
    """Make the version that was champion before the present one champion again; repeatable.

    Raises:
        CharterError: There is no champion, none came before it, others have been at it for a minute, or
            somebody made another version champion meanwhile by other means.
    """
    name = versions.model_name(corpus, system)
    with one_at_a_time(root), open_store(root) as client, claimed(client, name):
        champion = versions.find_version(client, name, versions.CHAMPION)
        if champion is None:
            raise CharterError(f"{name} has no champion, so there is nothing to roll back")
        number = int(champion.version)
        earlier = champions_before(client, name, number)
        if not earlier:
            raise CharterError(f"{name}: version {number} is the first champion; none came before it")
        decision = Decision(model=name, version=earlier[-1], action="rolled back", previous=number)
        with recording(client, decision):
            versions.move_champion(client, name, number, earlier[-1])
    return decision


def history(root: Path, corpus: str, system: System = "dpo") -> list[Decision]:
    """Return what was decided about a corpus's aligned model, oldest first."""
    with open_store(root) as client:
        return read_history(client, versions.model_name(corpus, system))


def _version_to_judge(client: MlflowClient, name: str, corpus: str, number: int | None) -> ModelVersion:
    version = versions.find_version(client, name, number or versions.CANDIDATE)
    if version is None and number is not None:
        raise CharterError(f"{name} has no version {number}; `charter ui` shows those there are")
    if version is None:
        raise CharterError(f"{name} has no candidate; `dvc repro` and `charter publish {corpus}` first")
    return version
