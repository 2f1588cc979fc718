"""What an arm's models answer and decide, beside what evaluate found of the main ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from charter.evaluation.arm_results import MAIN
from charter.evaluation.dilemmas import score_dilemmas, success
from charter.evaluation.exam_scoring import answer_figures, by_metric
from charter.evaluation.examination import Examination
from charter.evaluation.grouping import by_system
from charter.evaluation.local_system import LocalSystem
from charter.evaluation.probes import Probes, ProbeShares
from charter.evaluation.results import Comparison, Estimate
from charter.evaluation.statistics import ClusteredBootstrap, Resampling, mean_measure
from charter.project.exam_records import ExamAnswer, ExamDecision
from charter.project.records import ProbeAnswer


@dataclass(frozen=True)
class Sat:
    """What systems answered and decided, of an arm or of the main training."""

    answers: list[ExamAnswer]
    decisions: list[ExamDecision]
    probes: dict[str, list[ProbeAnswer]]


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
        counted = by_metric(rows)["right_answers"]
        others = {row.item_id: count for row, count in by_metric(theirs[label])["right_answers"]}
        if counted:
            bootstrap = ClusteredBootstrap([row.section for row, _ in counted], resampling)
            yield bootstrap.compare(
                (label, MAIN, "right_answers"),
                mean_measure([count for _, count in counted]),
                mean_measure([others[row.item_id] for row, _ in counted]),
            )


def _compare_decisions(own: Sat, main: Sat, resampling: Resampling) -> Iterator[Comparison]:
    decided, theirs = by_system(own.decisions), by_system(main.decisions)
    for label, rows in decided.items():
        yield from _moved((label, MAIN), rows, theirs[label], resampling)
        yield from _moved((label, "sft"), rows, theirs["sft"], resampling)
    if "dpo" in decided:
        yield from _moved((MAIN, "sft"), theirs["dpo"], theirs["sft"], resampling)


def _moved(
    systems: tuple[str, str],
    after: Sequence[ExamDecision],
    before: Sequence[ExamDecision],
    resampling: Resampling,
) -> Iterator[Comparison]:
    """Compare two systems in how far the scenarios speak for the faithful replies, and in right decisions."""
    earlier = {row.item_id: row.margin for row in before}
    margins = [(row.margin, earlier[row.item_id]) for row in after]
    bootstrap = ClusteredBootstrap([row.section for row in after], resampling)
    for metric, pairs in (
        ("dilemma_margin", margins),
        ("dilemmas", [(success(own), success(other)) for own, other in margins]),
    ):
        own, others = zip(*pairs, strict=True)
        yield bootstrap.compare((*systems, metric), mean_measure(own), mean_measure(others))


def sat_main(
    answers: Sequence[ExamAnswer], decisions: Sequence[ExamDecision], probes: Sequence[ProbeAnswer]
) -> Sat:
    """Return what evaluate wrote down."""
    by_name: dict[str, list[ProbeAnswer]] = {}
    for row in probes:
        by_name.setdefault(row.system, []).append(row)
    return Sat(list(answers), list(decisions), by_name)
