"""Gates: what must hold of a model before it becomes champion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from charter.evaluation.pairing import LEAST_SHARED, Scores, paired_difference
from charter.evaluation.results import Estimate, Evaluation, as_judged_by, best_trivial, difference
from charter.project.gate import Gate
from charter.project.metric_names import EXAM_METRICS, RETENTION_METRICS, SAFETY_METRICS, system_label
from charter.project.records import System
from charter.project.score_records import ItemScore


@dataclass(frozen=True)
class GateResult:
    """A gate, the figure that was held against its bound (None: there was none to judge), and why.

    ``judged`` is what the figure is a bound of: the value, or the difference from the opponent's.
    """

    gate: Gate
    figure: float | None
    passed: bool
    text: str
    judged: Estimate | None = None


@dataclass(frozen=True)
class Champion:
    """What was measured on the champion, and the scores by item of the candidate and of it.

    Those of a version that was registered before there were any are None.
    """

    evaluation: Evaluation
    candidate_scores: Scores | None = None
    scores: Scores | None = None


def evaluate_gates(
    gates: Sequence[Gate], system: System, candidate: Evaluation, champion: Champion | None
) -> list[GateResult]:
    """Hold each gate against what was measured on an aligned model.

    A gate is judged by the bound of a 95 % interval that is worse for the candidate, so that luck with a few
    questions passes none: of the value itself (against ``none``), or of the paired difference with a system
    or the champion on the same questions. Where no interval was measured it is judged by the plain figure;
    so it is against a champion without scores by item, and then only on the same questions. Where there is
    no champion, gates against it hold.
    """
    return [_judge(gate, system, candidate, champion) for gate in gates]


def _judge(gate: Gate, system: System, candidate: Evaluation, champion: Champion | None) -> GateResult:
    candidate = as_judged_by(candidate, gate.judge)
    if champion:
        champion = replace(champion, evaluation=as_judged_by(champion.evaluation, gate.judge))
    label = system_label(system, gate.rag)
    subject = f"{gate.metric} of {label}{f' by {gate.judge}' if gate.judge else ''}"
    without_figure = partial(GateResult, gate, None)
    measured = candidate.measured(label, gate.metric)
    if measured is None:
        return without_figure(False, f"{subject}: not measured{_how_to_measure(gate.metric, candidate)}")
    if gate.metric == "win_rate" and not candidate.judge.valid:
        return without_figure(False, f"{subject}: the judge failed its controls, so it says nothing")
    if gate.against == "none":
        return _hold(gate, subject, measured)
    if gate.against == "champion":
        return _judge_against_champion(gate, subject, label, measured, candidate, champion)
    against = opponent(gate, candidate)
    subject += f" over {against}"
    if against == label:
        return without_figure(True, f"{subject}: they are the same model")
    if found := difference(candidate, label, against, gate.metric):
        return _hold(gate, subject, found)
    return _hold_plainly(gate, subject, measured, candidate.measured(against, gate.metric), against)


def opponent(gate: Gate, evaluation: Evaluation) -> str:
    """Return what a gate is against; of ``trivial`` the best row that was measured, itself where none was."""
    measured = best_trivial(evaluation, gate.metric) if gate.against == "trivial" else None
    return measured or gate.against


def _judge_against_champion(
    gate: Gate,
    subject: str,
    label: str,
    measured: Estimate,
    candidate: Evaluation,
    champion: Champion | None,
) -> GateResult:
    subject += " over champion"
    if champion is None:
        return GateResult(gate, None, True, f"{subject}: no champion yet")
    own, others = (
        (scores or {}).get((label, gate.metric)) for scores in (champion.candidate_scores, champion.scores)
    )
    if own and others:
        return _judge_pairs(gate, subject, own, others, candidate)
    if reason := _incomparable(gate.metric, label, candidate, champion.evaluation):
        return GateResult(gate, None, False, f"{subject}: {reason}")
    subject += f", by plain figures since {_why_plain(gate.metric, champion)}"
    other = champion.evaluation.measured(label, gate.metric)
    return _hold_plainly(gate, subject, measured, other, "champion")


def _judge_pairs(
    gate: Gate,
    subject: str,
    own: Mapping[str, ItemScore],
    other: Mapping[str, ItemScore],
    candidate: Evaluation,
) -> GateResult:
    """Judge the difference on the items that candidate and champion share."""
    shared = len(own.keys() & other.keys())
    if own.keys() == other.keys():
        subject += f", paired on all {shared} items"
    else:
        suites = [f"set {next(iter(scores.values())).suite[:8]}" for scores in (own, other)]
        subject += (
            f", paired on {shared} of {len(own)} items ({suites[0]}; champion: {len(other)}, {suites[1]})"
        )
        if shared < LEAST_SHARED:
            text = (
                f"{subject}: they must share {LEAST_SHARED}; evaluate the champion's settings anew on this "
                "set and promote that first, or use --force"
            )
            return GateResult(gate, None, False, text)
    return _hold(gate, subject, paired_difference(gate.metric, own, other, candidate.refusals))


def _why_plain(metric: str, champion: Champion) -> str:
    for name, scores in (("the champion", champion.scores), ("this version", champion.candidate_scores)):
        if scores is None:
            return f"{name} has no scores by item"
    return f"{metric} isn't recorded by item"


def _hold_plainly(
    gate: Gate, subject: str, measured: Estimate, other: Estimate | None, against: str
) -> GateResult:
    """Judge a difference that has no interval."""
    if other is None:
        return GateResult(gate, None, False, f"{subject}: not measured on {against}")
    plain = Estimate(value=measured.value - other.value, low=None, high=None, n=measured.n)
    return _hold(gate, subject, plain)


def _how_to_measure(metric: str, candidate: Evaluation) -> str:
    if metric in (*SAFETY_METRICS, *RETENTION_METRICS):
        return "; set evaluate.safety_prompts above 0, run `dvc repro` and `charter publish`"
    if metric not in EXAM_METRICS:
        return ""
    sat = any(not figures.keys().isdisjoint(EXAM_METRICS) for figures in candidate.systems.values())
    return "; the exam asks nothing of that kind" if sat else "; write an exam: `charter exam new`"


def _incomparable(metric: str, label: str, candidate: Evaluation, champion: Evaluation) -> str | None:
    """Say why the champion's figure is no measure for the candidate's; None where it is one."""
    if _questions(candidate, label, metric) != _questions(champion, label, metric):
        return "it was measured on other questions; take this gate out to promote without comparing"
    if metric != "win_rate":
        return None
    if champion.judge.judge_sha256 != candidate.judge.judge_sha256:
        return "another judge compared it; take this gate out to promote without comparing"
    return None if champion.judge.valid else "its judge failed its controls"


def _questions(evaluation: Evaluation, label: str, metric: str) -> str | int | None:
    """Identify what a metric was measured on; of the pinned prompts of safety, it is how many were asked."""
    if metric in (*SAFETY_METRICS, *RETENTION_METRICS):
        measured = evaluation.measured(label, metric)
        return measured.n if measured else None
    if metric in EXAM_METRICS:
        return evaluation.lineage.get("exam")
    return evaluation.lineage.get("preference_test" if metric == "adherence" else "sft_test")


def _hold(gate: Gate, subject: str, estimate: Estimate) -> GateResult:
    if gate.minimum is not None:
        end, bound, figure = "lower", gate.minimum, estimate.value if estimate.low is None else estimate.low
        # Who gives another system's own answers has a difference of exactly 0, which proves no gain.
        passed = figure > bound or (figure == bound and gate.against in ("none", "champion"))
        relation = ("reaches", "is below" if figure < bound else "is not above")
    else:
        assert gate.maximum is not None
        end, bound, figure = "upper", gate.maximum, estimate.value if estimate.high is None else estimate.high
        passed, relation = figure <= bound, ("is within", "exceeds")
    held = f"{relation[not passed]} {bound:g}"
    text = f"{subject}: {estimate.value:.4g}, no interval; {held}"
    if estimate.low is not None and estimate.high is not None:
        interval = f"95 % interval {estimate.low:.4g} to {estimate.high:.4g}"
        text = f"{subject}: {estimate.value:.4g}, {interval}, whose {end} end {held}"
    return GateResult(gate, figure, passed, text, estimate)
