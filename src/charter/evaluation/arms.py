"""What an arm's models answer and decide, beside what evaluate found of the main ones."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from charter.evaluation.arm_results import MAIN
from charter.evaluation.dilemmas import score_dilemmas, success
from charter.evaluation.exam_scoring import answer_figures, by_metric
from charter.evaluation.examination import Examination
from charter.evaluation.grouping import by_system
from charter.evaluation.local_system import LocalSystem
from charter.evaluation.probes import Probes, ProbeShares
from charter.evaluation.results import Comparison, Contrast, Estimate
from charter.evaluation.statistics import ClusteredBootstrap, Resampling, mean_measure
from charter.project.exam_records import ExamAnswer, ExamDecision
from charter.project.records import ProbeAnswer, System

Item = TypeVar("Item", ExamAnswer, ExamDecision)

_DECIDED: Mapping[str, Callable[[float], float]] = {"dilemma_margin": float, "dilemmas": success}
"""What a decision counts by its margin, by the metric that is the mean of it."""


@dataclass(frozen=True)
class Sat:
    """What systems answered and decided, of an arm or of the main training."""

    answers: list[ExamAnswer]
    decisions: list[ExamDecision]
    probes: dict[System, list[ProbeAnswer]]


def sit(
    systems: dict[Literal["sft", "dpo"], LocalSystem],
    examination: Examination | None,
    probes: Probes | None,
    journal: Path,
) -> Sat:
    """Ask an arm's systems, without RAG and with it, what evaluate asks; bare prompts without it."""
    sat = Sat([], [], {})
    for name, system in systems.items():
        with system.open(journal) as engine:
            if examination:
                for rag in (False, True):
                    sat.answers.extend(examination.ask(engine, name, rag))
                sat.decisions.extend(examination.decide(system, name))
            if probes:
                sat.probes[name] = probes.answers(name, engine)
    return sat


def measure_sat(
    own: Sat, main: Sat, probes: Probes | None, resampling: Resampling
) -> tuple[dict[str, dict[str, Estimate]], list[Comparison]]:
    """Return figures and comparisons, as `ArmEvaluation` has them; ``main`` has the seed's probes too."""
    figures: dict[str, dict[str, Estimate]] = {
        label: answer_figures(rows, resampling) for label, rows in by_system(own.answers).items()
    }
    for label, decided in by_system(own.decisions).items():
        figures[label] = figures.get(label, {}) | score_dilemmas(decided)
    compared = [*_compare_answers(own, main, resampling), *_compare_decisions(own, main, resampling)]
    if probes:
        shares = ProbeShares(probes, resampling)
        for label, answers in own.probes.items():
            figures[label] = figures.get(label, {}) | shares.figures(answers)
            compared += shares.compare((label, "seed"), answers, main.probes["seed"])
    return figures, compared


def _compare_answers(own: Sat, main: Sat, resampling: Resampling) -> Iterator[Comparison]:
    theirs = by_system(main.answers)
    for label, rows in by_system(own.answers).items():
        counted, others = by_metric(rows)["right_answers"], by_metric(theirs[label])["right_answers"]
        if counted:
            yield _paired((label, MAIN, "right_answers"), counted, others, resampling)


def _compare_decisions(own: Sat, main: Sat, resampling: Resampling) -> Iterator[Comparison]:
    decided, theirs = by_system(own.decisions), by_system(main.decisions)
    pairs = [
        ((label, against), rows, theirs[other])
        for label, rows in decided.items()
        for against, other in ((MAIN, label), ("sft", "sft"))
    ]
    if "dpo" in decided:
        pairs.append(((MAIN, "sft"), theirs["dpo"], theirs["sft"]))
    for systems, after, before in pairs:
        for metric, counts in _DECIDED.items():
            counted, others = ([(row, counts(row.margin)) for row in rows] for rows in (after, before))
            yield _paired((*systems, metric), counted, others, resampling)


def _paired(
    contrast: Contrast,
    counted: Sequence[tuple[Item, float]],
    others: Sequence[tuple[Item, float]],
    resampling: Resampling,
) -> Comparison:
    """Compare what the same items count of two systems, in whatever order; clusters are sections."""
    of_item = {row.item_id: count for row, count in others}
    return ClusteredBootstrap([row.section for row, _ in counted], resampling).compare(
        contrast,
        mean_measure([count for _, count in counted]),
        mean_measure([of_item[row.item_id] for row, _ in counted]),
    )
