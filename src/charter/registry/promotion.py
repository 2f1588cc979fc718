"""Which version of an aligned model is champion: gates, promotion and the way back.

Gates judge what was recorded with a version when it was registered, never the files of the project, which
may be of another state by now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from charter.evaluation.results import Estimate, Evaluation
from charter.project.errors import CharterError
from charter.project.sections import Gate
from charter.registry import versions
from charter.report.pipeline_state import ALIGNED

_SYSTEM = ALIGNED[0]


@dataclass(frozen=True)
class GateResult:
    """A gate, the figure that was held against its minimum (None: there was none to judge), and why."""

    gate: Gate
    figure: float | None
    passed: bool
    text: str

    @property
    def minimum(self) -> float:
        """What the figure had to reach."""
        return self.gate.minimum


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


def evaluate_gates(
    gates: Sequence[Gate], candidate: Evaluation, champion: Evaluation | None
) -> list[GateResult]:
    """Hold each gate against what was measured on the aligned model without RAG.

    A gate is judged by the lower bound of a 95 % interval, so that luck with a few questions passes none:
    of the value itself (against ``none``), or of the paired difference with a system on the same
    questions. Where no interval was measured it is judged by the plain figure; so it is against the
    champion, whose answers are not at hand: that is only done on the same test questions.

    Args:
        gates: From params.yaml.
        candidate: What was recorded with the candidate.
        champion: What was recorded with the champion; None where there is none, and gates against it hold.
    """
    return [_judge(gate, candidate, champion) for gate in gates]


def promote(root: Path, corpus: str, gates: Sequence[Gate]) -> Promotion:
    """Make the candidate champion if all gates hold; otherwise nothing changes.

    Raises:
        CharterError: There is no candidate, or a version's records are missing or contradict each other.
    """
    candidate = versions.load_version(root, corpus, versions.CANDIDATE)
    if candidate is None:
        raise CharterError(
            f"{versions.model_name(corpus)} has no candidate; `dvc repro` and publish {corpus} first"
        )
    champion = versions.load_version(root, corpus, versions.CHAMPION)
    previous = champion.number if champion else None
    results = evaluate_gates(gates, _recorded(candidate), _recorded(champion) if champion else None)
    promotion = Promotion(candidate.model, candidate.number, previous, results)
    if promotion.promoted and candidate.number != previous:
        # The history first: a rollback ignores an entry that is the present champion.
        if previous is not None:
            history = _without_trailing(versions.champion_history(root, corpus), previous)
            versions.record_history(root, corpus, [*history, previous])
        versions.set_champion(root, corpus, candidate.number)
    return promotion


def rollback(root: Path, corpus: str) -> Rollback:
    """Make the version that was champion before the present one champion again; repeatable.

    Raises:
        CharterError: There is no champion, or none came before it.
    """
    model = versions.model_name(corpus)
    champion = versions.load_version(root, corpus, versions.CHAMPION)
    if champion is None:
        raise CharterError(f"{model} has no champion, so there is nothing to roll back")
    history = _without_trailing(versions.champion_history(root, corpus), champion.number)
    if not history:
        raise CharterError(f"{model}: version {champion.number} is the first champion; none came before it")
    *earlier, version = history
    versions.set_champion(root, corpus, version)
    versions.record_history(root, corpus, earlier)
    return Rollback(model, version, champion.number)


def _recorded(version: versions.RegisteredVersion) -> Evaluation:
    """Return what was recorded with a version, refusing one whose tags say otherwise."""
    name = f"{version.model} version {version.number}"
    if version.evaluation is None:
        raise CharterError(f"{name} has no evaluate.json recorded with it: it was not published by Charter")
    for metric, value in versions.metric_tags(_SYSTEM, version.evaluation).items():
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


def _judge(gate: Gate, candidate: Evaluation, champion: Evaluation | None) -> GateResult:
    if gate.metric == "win_rate" and not candidate.judge.valid:
        return GateResult(gate, None, False, "win_rate: the judge failed its controls, so it says nothing")
    measured = _estimate(candidate, _SYSTEM, gate.metric)
    if measured is None:
        return GateResult(gate, None, False, f"{gate.metric}: not measured on {_SYSTEM}")
    if gate.against == "none":
        return _result(gate, f"{gate.metric} of {_SYSTEM}", measured.value, measured.low)
    if gate.against == "champion":
        return _against_champion(gate, measured.value, candidate, champion)

    subject = f"{gate.metric} of {_SYSTEM} over {gate.against}"
    for comparison in candidate.comparisons:
        difference = comparison.difference
        compared = (comparison.system, comparison.against, comparison.metric)
        if compared == (_SYSTEM, gate.against, gate.metric) and difference.n > 0:
            return _result(gate, subject, difference.value, difference.low)
    other = _estimate(candidate, gate.against, gate.metric)
    if other is None:
        return GateResult(gate, None, False, f"{subject}: not measured on {gate.against}")
    return _result(gate, subject, measured.value - other.value, None)


def _against_champion(
    gate: Gate, value: float, candidate: Evaluation, champion: Evaluation | None
) -> GateResult:
    subject = f"{gate.metric} of {_SYSTEM} over champion"
    if champion is None:
        return GateResult(gate, None, True, f"{subject}: no champion yet")
    questions = candidate.lineage.get("sft_test")
    if questions is None or champion.lineage.get("sft_test") != questions:
        reason = "was measured on other questions; take this gate out to promote without comparing"
        return GateResult(gate, None, False, f"{subject}: the champion {reason}")
    if gate.metric == "win_rate" and not champion.judge.valid:
        return GateResult(gate, None, False, f"{subject}: the champion's judge failed its controls")
    other = _estimate(champion, _SYSTEM, gate.metric)
    if other is None:
        return GateResult(gate, None, False, f"{subject}: not measured on the champion")
    return _result(gate, subject, value - other.value, None)


def _estimate(evaluation: Evaluation, label: str, metric: str) -> Estimate | None:
    estimate = evaluation.systems.get(label, {}).get(metric)
    return estimate if estimate is not None and estimate.n > 0 else None


def _result(gate: Gate, subject: str, value: float, low: float | None) -> GateResult:
    figure = value if low is None else low
    passed = figure >= gate.minimum
    judged = f"{value:.4g}" if low is None else f"{value:.4g}, 95 % interval from {low:.4g}"
    relation = "reaches" if passed else "is below"
    return GateResult(gate, figure, passed, f"{subject}: {judged}; {relation} {gate.minimum:g}")
