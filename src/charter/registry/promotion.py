"""Which version of an aligned model is champion: promotion and the way back.

Each registered model has a champion of its own: ``charter-udhr`` (SFT+DPO) one, ``charter-udhr.sft`` another.
Gates judge what was recorded with a version when it was registered, never the files of the project, which
may be of another state by now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from charter.evaluation.results import Evaluation
from charter.project.errors import CharterError
from charter.project.gate import Gate
from charter.project.records import System
from charter.registry import versions
from charter.registry.gates import GateResult, evaluate_gates
from charter.registry.store import one_at_a_time, open_store


@dataclass(frozen=True)
class Promotion:
    """The outcome of `promote`: ``previous`` is the version that was champion before, None for none."""

    model: str
    version: int
    previous: int | None
    gates: list[GateResult]

    @property
    def promoted(self) -> bool:
        """Whether every gate held, so that ``version`` is champion now."""
        return all(gate.passed for gate in self.gates)


@dataclass(frozen=True)
class Rollback:
    """The outcome of `rollback`: ``version`` is champion again, ``withdrawn`` is no longer."""

    model: str
    version: int
    withdrawn: int


def promote(root: Path, corpus: str, gates: Sequence[Gate], system: System = "dpo") -> Promotion:
    """Make the candidate of a corpus's aligned model champion if all gates hold; else nothing changes.

    Promotions and rollbacks of one machine wait for each other.

    Raises:
        CharterError: There is no candidate, a version's records are missing or contradict each other, or
            somebody elsewhere made another version champion meanwhile.
    """
    name = versions.model_name(corpus, system)
    with one_at_a_time(root), open_store(root) as client:
        candidate = versions.load_version(client, name, versions.CANDIDATE)
        if candidate is None:
            raise CharterError(f"{name} has no candidate; `dvc repro` and `charter publish {corpus}` first")
        champion = versions.load_version(client, name, versions.CHAMPION)
        previous = champion.number if champion else None
        recorded = _recorded(champion, system) if champion else None
        results = evaluate_gates(gates, system, _recorded(candidate, system), recorded)
        promotion = Promotion(name, candidate.number, previous, results)
        if promotion.promoted and candidate.number != previous:
            # The history first: a rollback ignores an entry that is the present champion.
            if previous is not None:
                history = _without_trailing(versions.champion_history(client, name), previous)
                versions.record_history(client, name, [*history, previous])
            versions.move_champion(client, name, previous, candidate.number)
    return promotion


def rollback(root: Path, corpus: str, system: System = "dpo") -> Rollback:
    """Make the version that was champion before the present one champion again; repeatable.

    Raises:
        CharterError: There is no champion, none came before it, or somebody elsewhere made another version
            champion meanwhile.
    """
    name = versions.model_name(corpus, system)
    with one_at_a_time(root), open_store(root) as client:
        champion = versions.load_version(client, name, versions.CHAMPION)
        if champion is None:
            raise CharterError(f"{name} has no champion, so there is nothing to roll back")
        history = _without_trailing(versions.champion_history(client, name), champion.number)
        if not history:
            raise CharterError(
                f"{name}: version {champion.number} is the first champion; none came before it"
            )
        *earlier, version = history
        versions.move_champion(client, name, champion.number, version)
        versions.record_history(client, name, earlier)
    return Rollback(name, version, champion.number)


def _recorded(version: versions.RegisteredVersion, system: System) -> Evaluation:
    """Return what was recorded with a version, refusing one whose tags say otherwise."""
    name = f"{version.model} version {version.number}"
    if version.evaluation is None:
        raise CharterError(f"{name} has no evaluate.json recorded with it: it was not published by Charter")
    for metric, value in versions.metric_tags(system, version.evaluation).items():
        if version.tags.get(metric) != value:
            raise CharterError(
                f"{name}: its tag {metric} is {version.tags.get(metric)}, but the evaluation recorded "
                f"with it says {value}; register the model again"
            )
    return version.evaluation


def _without_trailing(history: list[int], number: int) -> list[int]:
    while history and history[-1] == number:
        history = history[:-1]
    return history
