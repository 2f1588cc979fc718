"""From marked answers and decisions to the figures of the exam. Nothing is read or written here."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import product
from typing import TypeVar

from charter.documents.segmentation import split_words
from charter.evaluation.dilemmas import score_dilemmas, success
from charter.evaluation.results import Comparison, Estimate, Evaluation
from charter.evaluation.scoring import Tested, compare, retrieval
from charter.evaluation.statistics import (
    ClusteredBootstrap,
    Measure,
    Resampling,
    clustered_share,
    mean_measure,
)
from charter.project.exam_records import ExamAnswer, ExamDecision
from charter.project.metric_names import TRIVIAL, system_label

_KINDS = {
    "fact": "right_facts",
    "situation": "right_situations",
    "everyday": "right_everyday",
    "unanswerable": "unanswerable",
}

_ALIGNED = ("dpo+rag", "sft+rag", "dpo", "sft")

ANSWERS_COMPARED = (
    *product(_ALIGNED, ("seed", "seed+rag", "cft", "cft+rag", "cft+gold", "teacher", "teacher+rag")),
    *product(_ALIGNED, TRIVIAL),
    ("dpo+rag", "sft+rag"),
    ("dpo", "sft"),
    ("dpo+rag", "dpo"),
    ("sft+rag", "sft"),
)
"""The pairs of systems compared in right answers and in right verdicts."""

DECISIONS_COMPARED = (
    *product(_ALIGNED, ("seed", "seed+rag", "cft", "cft+rag")),
    ("dpo+rag", "sft+rag"),
    ("dpo", "sft"),
    ("dpo+rag", "dpo"),
)
"""The pairs of systems compared in dilemmas."""

FAMILY = {
    ("dpo+rag", "nearest-sentence", "right_answers"),
    ("dpo+rag", "teacher+rag", "right_answers"),
    ("dpo+rag", "cft+rag", "right_answers"),
    ("dpo", "cft+rag", "right_answers"),
    ("dpo", "seed+rag", "dilemmas"),
    ("dpo", "sft", "dilemmas"),
}
"""What the exam is to find out, named before any system sat it: Holm's correction is within these."""

Figures = dict[str, dict[str, Estimate]]
Item = TypeVar("Item", ExamAnswer, ExamDecision)


def add_exam_scores(
    evaluation: Evaluation,
    answers: Sequence[ExamAnswer],
    decisions: Sequence[ExamDecision],
    resampling: Resampling,
) -> Evaluation:
    """Return the evaluation with what `score_exam` measures."""
    figures, comparisons = score_exam(answers, decisions, resampling)
    systems = evaluation.systems
    return evaluation.model_copy(
        update={
            "systems": {
                label: systems.get(label, {}) | figures.get(label, {}) for label in {**systems, **figures}
            },
            "comparisons": [*evaluation.comparisons, *comparisons],
        }
    )


def score_exam(
    answers: Sequence[ExamAnswer], decisions: Sequence[ExamDecision], resampling: Resampling
) -> tuple[Figures, list[Comparison]]:
    """Return EXAM_METRICS and retrieval of every system, by label, and comparisons; clusters are sections.

    ``exam_hit@1``, ``exam_hit@k`` and ``exam_mrr`` are of the questions that the document answers.
    """
    answered, decided = _by_system(answers), _by_system(decisions)
    figures: Figures = defaultdict(dict)
    tested: list[Tested] = []
    for label, marked in answered.items():
        figures[label] |= _answer_figures(marked, resampling)
    for label, found in decided.items():
        figures[label] |= score_dilemmas(found)
    for metric in ("right_answers", "right_verdicts"):
        counted = {label: by_metric(rows)[metric] for label, rows in answered.items()}
        tested += _test(
            ANSWERS_COMPARED,
            metric,
            {label: [count for _, count in rows] for label, rows in counted.items()},
            [row.section for row, _ in next(iter(counted.values()), [])],
            resampling,
        )
    tested += _test(
        DECISIONS_COMPARED,
        "dilemmas",
        {label: [success(row.margin) for row in rows] for label, rows in decided.items()},
        [row.section for row in next(iter(decided.values()), [])],
        resampling,
    )
    return dict(figures), compare(tested, FAMILY)


def new_word_f1(question: str, answer: str, references: Sequence[str]) -> float:
    """Return F1 on the words that the question doesn't hold, of the reference that gives most.

    An echo of the question has 0, however much of the reference it repeats.
    """
    asked = set(split_words(question))
    said = Counter(word for word in split_words(answer) if word not in asked)
    best = 0.0
    for reference in references:
        wanted = Counter(word for word in split_words(reference) if word not in asked)
        common = (said & wanted).total()
        best = max(best, 2 * common / max(said.total() + wanted.total(), 1))
    return best


def by_metric(answers: Sequence[ExamAnswer]) -> dict[str, list[tuple[ExamAnswer, float]]]:
    """Return the answers that each share is of, and what each counts: 1 where it is right, else 0.

    They are all to what the document answers, those of a kind, and those to questions of yes or no. Of the
    latter the yes or no alone counts, and where none can be read it is wrong.
    """
    kinds = {metric: [row for row in answers if row.kind == kind] for kind, metric in _KINDS.items()}
    kinds["right_answers"] = [row for row in answers if row.kind != "unanswerable"]
    return {
        "right_verdicts": [(row, float(row.verdict == row.polarity)) for row in answers if row.polarity],
        **{metric: [(row, float(row.fault is None)) for row in rows] for metric, rows in kinds.items()},
    }


def _by_system(rows: Sequence[Item]) -> dict[str, list[Item]]:
    grouped: dict[str, list[Item]] = defaultdict(list)
    for row in rows:
        grouped[system_label(row.system, row.rag)].append(row)
    return dict(grouped)


def _answer_figures(rows: Sequence[ExamAnswer], resampling: Resampling) -> dict[str, Estimate]:
    marked = by_metric(rows)
    figures = {
        metric: clustered_share([count for _, count in counted], [row.section for row, _ in counted])
        for metric, counted in marked.items()
    }
    if answerable := [row for row, _ in marked["right_answers"]]:
        scores = [new_word_f1(row.question, row.answer, row.references) for row in answerable]
        clusters = [row.section for row in answerable]
        bootstrap = ClusteredBootstrap(clusters, resampling)
        figures["exam_f1"] = bootstrap.estimate(mean_measure(scores))
        if answerable[0].rag is True:
            found = retrieval(answerable, clusters, bootstrap)
            figures |= {f"exam_{metric}": estimate for metric, estimate in found.items()}
    return {metric: estimate for metric, estimate in figures.items() if estimate.n}


def _test(
    pairs: Sequence[tuple[str, str]],
    metric: str,
    scores: Mapping[str, Sequence[float]],
    clusters: Sequence[str],
    resampling: Resampling,
) -> list[Tested]:
    if not clusters:
        return []
    bootstrap = ClusteredBootstrap(clusters, resampling)
    measures: dict[str, Measure] = {label: mean_measure(values) for label, values in scores.items()}
    return [
        ((system, against, metric), bootstrap.test(measures[system], measures[against]))
        for system, against in pairs
        if system in measures and against in measures
    ]
