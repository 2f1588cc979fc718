"""Gates: what must hold of a model before it becomes champion."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from charter.evaluation.results import Estimate, Evaluation
from charter.project.gate import Gate
from charter.project.metric_names import RETENTION_METRICS, SAFETY_METRICS
from charter.project.records import System


@dataclass(frozen=True)
class GateResult:
    """A gate, the figure that was held against its bound (None: there was none to judge), and why."""

    gate: Gate
    figure: float | None
    passed: bool
    text: str


def evaluate_gates(
    gates: Sequence[Gate], system: System, candidate: Evaluation, champion: Evaluation | None
) -> list[GateResult]:
    """Hold each gate against what was measured on an aligned model without RAG.

    A gate is judged by the bound of a 95 % interval that is worse for the candidate, so that luck with a few
    questions passes none: of the value itself (against ``none``), or of the paired difference with a system
    on the same questions. Where no interval was measured it is judged by the plain figure; so it is against
    the champion, whose answers are not at hand: that is only done on the same questions. Where there is no
    champion, gates against it hold.
    """
    return [_judge(gate, system, candidate, champion) for gate in gates]


def _judge(gate: Gate, system: System, candidate: Evaluation, champion: Evaluation | None) -> GateResult:
    subject = f"{gate.metric} of {system}"
    without_figure = partial(GateResult, gate, None)
    measured = _measured(candidate, system, gate.metric)
    if measured is None:
        return without_figure(False, f"{subject}: not measured")
    if gate.metric == "win_rate" and not candidate.judge.valid:
        return without_figure(False, f"{subject}: the judge failed its controls, so it says nothing")
    if gate.against == "none":
        return _hold(gate, subject, measured)
    subject += f" over {gate.against}"
    if gate.against == system:
        return without_figure(True, f"{subject}: they are the same model")
    if gate.against == "champion":
        if champion is None:
            return without_figure(True, f"{subject}: no champion yet")
        if reason := _incomparable(gate.metric, system, candidate, champion):
            return without_figure(False, f"{subject}: {reason}")
        other = _measured(champion, system, gate.metric)
    elif difference := _paired_difference(candidate, system, gate.against, gate.metric):
        return _hold(gate, subject, difference)
    else:
        other = _measured(candidate, gate.against, gate.metric)
    if other is None:
        return without_figure(False, f"{subject}: not measured on {gate.against}")
    plain = Estimate(value=measured.value - other.value, low=None, high=None, n=measured.n)
    return _hold(gate, subject, plain)


def _incomparable(metric: str, system: System, candidate: Evaluation, champion: Evaluation) -> str | None:
    """Say why the champion's figure is no measure for the candidate's; None where it is one."""
    if _questions(candidate, system, metric) != _questions(champion, system, metric):
        return "it was measured on other questions; take this gate out to promote without comparing"
    if metric == "win_rate" and not champion.judge.valid:
        return "its judge failed its controls"
    return None


def _measured(evaluation: Evaluation, label: str, metric: str) -> Estimate | None:
    estimate = evaluation.systems.get(label, {}).get(metric)
    return estimate if estimate is not None and estimate.n > 0 else None


def _paired_difference(evaluation: Evaluation, system: str, against: str, metric: str) -> Estimate | None:
    """Return ``system - against``; a comparison that was made the other way round is turned."""
    for row in evaluation.comparisons:
        difference = row.difference
        if row.metric != metric or difference.n == 0:
            continue
        if (row.system, row.against) == (system, against):
            return difference
        if (row.system, row.against) == (against, system):
            low, high = (None if end is None else -end for end in (difference.high, difference.low))
            return Estimate(value=-difference.value, low=low, high=high, n=difference.n)
    return None


def _questions(evaluation: Evaluation, system: str, metric: str) -> str | int | None:
    """Identify what a metric was measured on; of the pinned prompts of safety, it is how many were asked."""
    if metric in (*SAFETY_METRICS, *RETENTION_METRICS):
        measured = _measured(evaluation, system, metric)
        return measured.n if measured else None
    return evaluation.lineage.get("preference_test" if metric == "adherence" else "sft_test")


def _hold(gate: Gate, subject: str, estimate: Estimate) -> GateResult:
    if gate.minimum is not None:
        bound, figure = gate.minimum, estimate.value if estimate.low is None else estimate.low
        passed, relation = figure >= bound, ("reaches", "is below")
    else:
        assert gate.maximum is not None
        bound, figure = gate.maximum, estimate.value if estimate.high is None else estimate.high
        passed, relation = figure <= bound, ("is within", "exceeds")
    interval = ", no interval"
    if estimate.low is not None and estimate.high is not None:
        interval = f", 95 % interval {estimate.low:.4g} to {estimate.high:.4g}"
    text = f"{subject}: {estimate.value:.4g}{interval}; {relation[not passed]} {bound:g}"
    return GateResult(gate, figure, passed, text)
