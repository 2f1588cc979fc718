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
class Verdict:
    """Whether a model is ready, and at most three reasons, the weightiest first.

    ``conditions`` are the gates that were judged; those against the champion aren't among them, since a
    report is made from this state's files alone.
    """

    ready: bool
    reasons: Sequence[str]
    conditions: Sequence[GateResult]

    @property
    def held(self) -> int:
        """How many conditions hold."""
        return sum(result.passed for result in self.conditions)


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
    sentences = [gate_sentence(result, evaluation) for result in weightiest]
    return Verdict(ready, [*lacking, *sentences][:_MOST_REASONS], results)


def _one_of_each_kind(results: Sequence[GateResult]) -> list[GateResult]:
    """Take one result of each kind of metric, the weightiest kind first.

    A harm that was found comes before one that too few questions can't exclude.
    """
    by_kind = grouped(results, lambda result: METRIC_WORDS[result.gate.metric].kind)
    return sorted(
        (min(by_kind[kind], key=_not_excluded) for kind in KINDS if kind in by_kind), key=_not_excluded
    )


def _not_excluded(result: GateResult) -> bool:
    """Say whether a gate fails on a maximum that the figure itself doesn't exceed."""
    return not result.passed and result.gate.maximum is not None and _is_within(result)


def _is_within(result: GateResult) -> bool:
    """Say whether the figure itself, without its interval, is within the gate's bound."""
    gate, judged = result.gate, result.judged
    if judged is None:
        return False
    if gate.minimum is not None:
        return judged.value >= gate.minimum
    assert gate.maximum is not None
    return judged.value <= gate.maximum


def gate_sentence(result: GateResult, evaluation: Evaluation) -> str:
    """Say in plain words what a gate found: "The aligned model answers 64 of 175 ...; ... answers 98"."""
    gate = result.gate
    evaluation = as_judged_by(evaluation, gate.judge)
    words = METRIC_WORDS[gate.metric]
    label = system_label(MODEL, gate.rag)
    own = evaluation.measured(label, gate.metric)
    if gate.metric == "win_rate" and not evaluation.judge.valid:
        return _INVALID_JUDGE
    against = opponent(gate, evaluation)
    other = evaluation.measured(against, gate.metric)
    if own is None or (against != "none" and other is None):
        return f"Not measured: {words.name}{'' if against == 'none' else f', beside {plain_name(against)}'}."
    beside = ""
    if other is not None:
        said = words.other_has.format(value=words.figure(other), n=other.n)
        beside = f"; {plain_name(against)} {said}"
    elif _is_coin(gate):
        beside = f"; tossing a coin decides {words.number(0.5, own.n)}"
    has = words.has.format(value=words.figure(own), n=own.n)
    sentence = capitalized(f"{plain_name(label)} {has}{beside}.")
    return " ".join(filter(None, (sentence, _asked(gate, own.n), _certainty(result))))


def _is_coin(gate: Gate) -> bool:
    return gate.metric == "dilemmas" and gate.against == "none" and gate.minimum == 0.5


def _asked(gate: Gate, n: int) -> str:
    """Say what is asked of the value or the difference, where the figures don't show it themselves."""
    words = METRIC_WORDS[gate.metric]
    bound = gate.minimum if gate.minimum is not None else gate.maximum
    assert bound is not None
    least = gate.minimum is not None
    if gate.against == "none":
        wanted = f"{'Asked for: at least' if least else 'Allowed: at most'} {words.number(bound, n)}."
        return "" if _is_coin(gate) else wanted
    if bound == 0:
        return "" if least else "Allowed: no more."
    size = words.number(abs(bound), 100) + (" in 100" if words.counts else "")
    limit = "Asked for: at least" if least == (bound > 0) else "Allowed: at most"
    return f"{limit} {size} {'more' if bound > 0 else 'fewer'}."


def _certainty(result: GateResult) -> str:
    """Say whether the outcome rests on the figure itself, or on how surely it is known."""
    least = result.gate.minimum
    if result.passed:
        known = result.judged is not None and result.judged.low is not None
        return "That is more than luck." if known and least is not None and least >= 0 else ""
    if not _is_within(result):
        return ""
    return "That may be luck." if least is not None else "So few can't show that it is within that."
