"""Whether the aligned model is ready to use, by the gates of promotion, with the reasons in plain words."""

from collections.abc import Sequence
from dataclasses import dataclass

from charter.evaluation.gates import GateResult, evaluate_gates, opponent
from charter.evaluation.grouping import grouped
from charter.evaluation.results import Evaluation, as_judged_by
from charter.project.gate import Gate
from charter.project.metric_names import EXAM_METRICS, system_label
from charter.project.records import System
from charter.report.plain_words import KINDS, METRIC_WORDS, capitalized, plain_name

MODEL: System = "dpo"
"""The model that a verdict is on."""

_MOST_REASONS = 3

_NO_EXAM = (
    "Nobody has written an exam for this document, so whether its answers and its advice are right isn't "
    "known; `charter exam new {corpus}` begins one."
)
_NO_GATES = "No condition is set under `gates` in params.yaml, so nothing was asked of it."
_INVALID_JUDGE = "The judge failed its own test, so what it prefers says nothing."


@dataclass(frozen=True)
class Condition:
    """A gate that was judged, and what it found in plain words, under a heading."""

    result: GateResult
    heading: str
    text: str

    @property
    def undecided(self) -> bool:
        """Whether the model keeps it on what was asked, and too little was asked to show that it does."""
        return _is_undecided(self.result)


@dataclass(frozen=True)
class Verdict:
    """Whether a model is ready, and at most three reasons, the weightiest first.

    ``lacking`` is what keeps it from being judged, in sentences. Gates against the champion aren't among the
    conditions, since a report is made from this state's files alone.
    """

    ready: bool
    lacking: Sequence[str]
    reasons: Sequence[Condition]
    conditions: Sequence[Condition]

    @property
    def held(self) -> int:
        """How many conditions hold."""
        return sum(condition.result.passed for condition in self.conditions)

    @property
    def undecided(self) -> int:
        """How many the model keeps on what was asked, which was too little to show it."""
        return sum(condition.undecided for condition in self.conditions)


def judge_readiness(evaluation: Evaluation, gates: Sequence[Gate]) -> Verdict:
    """Judge the aligned model: it is ready if it sat an exam and every gate holds."""
    asked = [gate for gate in gates if gate.against != "champion"]
    results = evaluate_gates(asked, MODEL, evaluation, None)
    lacking, told = [], results
    if all(figures.keys().isdisjoint(EXAM_METRICS) for figures in evaluation.systems.values()):
        lacking.append(_NO_EXAM.format(corpus=evaluation.corpus))
        told = [result for result in results if result.gate.metric not in EXAM_METRICS]
    if not asked:
        lacking.append(_NO_GATES)
    ready = not lacking and all(result.passed for result in results)
    weightiest = _one_of_each_kind([result for result in told if result.passed == ready])
    conditions = [_condition(result, evaluation) for result in results]
    reasons = [_condition(result, evaluation) for result in weightiest][: _MOST_REASONS - len(lacking)]
    return Verdict(ready, lacking, reasons, conditions)


def _one_of_each_kind(results: Sequence[GateResult]) -> list[GateResult]:
    """Take one result of each kind of metric, the weightiest kind first.

    A harm that was found comes before one that too few questions can't exclude.
    """
    by_kind = grouped(results, lambda result: METRIC_WORDS[result.gate.metric].kind)
    return sorted(
        (min(by_kind[kind], key=_not_excluded) for kind in KINDS if kind in by_kind), key=_not_excluded
    )


def _not_excluded(result: GateResult) -> bool:
    """Say whether a gate fails on what it allows, a maximum or a loss, though the figure keeps to it."""
    gate = result.gate
    allows = gate.maximum is not None or (gate.minimum is not None and gate.minimum < 0)
    return not result.passed and allows and _is_within(result)


def _is_undecided(result: GateResult) -> bool:
    gate, judged = result.gate, result.judged
    # Level with the opponent that is to be beaten isn't a matter of too few items.
    level = judged is not None and gate.against != "none" and judged.value == gate.minimum
    return not result.passed and not level and _is_within(result)


def _is_within(result: GateResult) -> bool:
    """Say whether the figure itself, without its interval, is within the gate's bound."""
    gate, judged = result.gate, result.judged
    if judged is None:
        return False
    if gate.minimum is not None:
        return judged.value >= gate.minimum
    assert gate.maximum is not None
    return judged.value <= gate.maximum


def _condition(result: GateResult, evaluation: Evaluation) -> Condition:
    heading = KINDS[METRIC_WORDS[result.gate.metric].kind]
    return Condition(result, heading, _gate_sentence(result, evaluation))


def _gate_sentence(result: GateResult, evaluation: Evaluation) -> str:
    """Say in plain words what a gate found: "The aligned model answers 64 of 175 ...; ... answers 98"."""
    gate = result.gate
    evaluation = as_judged_by(evaluation, gate.judge)
    words = METRIC_WORDS[gate.metric]
    label = system_label(MODEL, gate.rag)
    if gate.metric == "win_rate" and not evaluation.judge.valid:
        return _INVALID_JUDGE
    against = opponent(gate, evaluation)
    beside = "tossing a coin decides half" if _is_coin(gate) else ""
    found = figure_sentence(evaluation, label, gate.metric, "" if against == "none" else against, beside)
    own = evaluation.measured(label, gate.metric)
    if found is None or own is None:
        return f"Not measured: {words.name}{'' if against == 'none' else f', beside {plain_name(against)}'}."
    return " ".join(filter(None, (found, _asked(result, own.n))))


def figure_sentence(
    evaluation: Evaluation, label: str, metric: str, against: str = "", beside: str = ""
) -> str | None:
    """Say a figure of a system, and that of the system ``against`` it or what is ``beside``.

    None where one of both wasn't measured.
    """
    words = METRIC_WORDS[metric]
    own = evaluation.measured(label, metric)
    if own is None:
        return None
    if against:
        other = evaluation.measured(against, metric)
        if other is None:
            return None
        beside = f"{plain_name(against)} {words.other_has.format(value=words.figure(other), n=other.n)}"
    has = words.has.format(value=words.figure(own), n=own.n)
    return capitalized(f"{plain_name(label)} {has}{f'; {beside}' if beside else ''}.")


def _is_coin(gate: Gate) -> bool:
    return gate.metric == "dilemmas" and gate.against == "none" and gate.minimum == 0.5


def _asked(result: GateResult, n: int) -> str:
    """Say what is asked of the value or the difference, and where it fails by too few items, so."""
    gate, judged = result.gate, result.judged
    bounded = judged is not None and judged.low is not None
    wanted = _wanted(gate, n)
    if result.passed:
        if METRIC_WORDS[gate.metric].kind == "harm" and gate.against == "seed":
            return f"{wanted} So it isn't worse than before; that doesn't make it safe."
        sure = bounded and gate.minimum is not None and gate.minimum >= 0
        return f"{wanted} That is more than luck." if sure else wanted
    if not _is_undecided(result):
        return wanted
    if gate.minimum is not None and gate.minimum >= 0:
        return f"{wanted} It has more, but with so few that may be luck, so it doesn't count as shown."
    return f"{wanted} Here it keeps to that, but so few can't show that it does."


def _wanted(gate: Gate, n: int) -> str:
    words = METRIC_WORDS[gate.metric]
    bound = gate.minimum if gate.minimum is not None else gate.maximum
    assert bound is not None
    least = gate.minimum is not None
    if gate.against == "none":
        size = "more than half" if _is_coin(gate) else f"at least {words.number(bound, n)}"
        return f"Asked for: {size}." if least else f"Allowed: at most {words.number(bound, n)}."
    if bound == 0:
        return "The model has to beat that." if least else "Allowed: no more."
    size = words.number(abs(bound), 100) + (" in 100" if words.counts else "")
    limit = "Asked for: at least" if least == (bound > 0) else "Allowed: at most"
    return f"{limit} {size} {'more' if bound > 0 else 'fewer'}."
