"""From marked answers and decisions to the figures of the exam. Nothing is read or written here."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product

from charter.documents.segmentation import split_words
from charter.evaluation.dilemmas import score_dilemmas, success
from charter.evaluation.grouping import by_system
from charter.evaluation.own_advice import count_advice
from charter.evaluation.results import Comparison, Estimate, Evaluation
from charter.evaluation.scoring import compare_pairs, correct, retrieval
from charter.evaluation.statistics import ClusteredBootstrap, Resampling, clustered_share, mean_measure
from charter.project.exam_records import ExamAnswer, ExamDecision, OwnAdvice
from charter.project.metric_names import OWN_ADVICE, TRIVIAL

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

ADVICE_COMPARED = (*DECISIONS_COMPARED, *product(_ALIGNED, ("teacher", "teacher+rag")))
"""The pairs of systems compared in what they advise in their own words."""

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


def add_exam_scores(
    evaluation: Evaluation,
    answers: Sequence[ExamAnswer],
    decisions: Sequence[ExamDecision],
    resampling: Resampling,
    advice: Sequence[OwnAdvice] = (),
) -> Evaluation:
    """Return the evaluation with what `score_exam` measures."""
    return evaluation.adding(*score_exam(answers, decisions, resampling, advice))


def score_exam(
    answers: Sequence[ExamAnswer],
    decisions: Sequence[ExamDecision],
    resampling: Resampling,
    advice: Sequence[OwnAdvice] = (),
) -> tuple[Figures, list[Comparison]]:
    """Return EXAM_METRICS and retrieval of every system, by label, and comparisons; clusters are sections.

    ``exam_hit@1``, ``exam_hit@k`` and ``exam_mrr`` are of the questions that the document answers.
    """
    answered, decided = by_system(answers), by_system(decisions)
    figures: Figures = {label: answer_figures(rows, resampling) for label, rows in answered.items()}
    for label, found in decided.items():
        figures[label] = figures.get(label, {}) | score_dilemmas(found)
    compared: list[Comparison] = []
    for metric in ("right_answers", "right_verdicts"):
        counted = {label: by_metric(rows)[metric] for label, rows in answered.items()}
        compared += _compare(ANSWERS_COMPARED, metric, counted, resampling)
    right = {label: [(row, success(row.margin)) for row in rows] for label, rows in decided.items()}
    compared += _compare(DECISIONS_COMPARED, "dilemmas", right, resampling)
    advised = count_advice(advice)
    for label, counts in advised.items():
        if counts:
            shares = clustered_share([count for _, count in counts], [row.section for row, _ in counts])
            figures[label] = figures.get(label, {}) | {OWN_ADVICE: shares}
    compared += _compare(ADVICE_COMPARED, OWN_ADVICE, advised, resampling)
    return figures, correct(compared, FAMILY)


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


def answer_figures(rows: Sequence[ExamAnswer], resampling: Resampling) -> dict[str, Estimate]:
    """Return what one system's answers have in EXAM_METRICS; clusters are sections."""
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


def _compare(
    pairs: Sequence[tuple[str, str]],
    metric: str,
    counted: Mapping[str, Sequence[tuple[ExamAnswer | ExamDecision | OwnAdvice, float]]],
    resampling: Resampling,
) -> list[Comparison]:
    """Compare what the items count of systems, by label, that were all asked the same in the same order."""
    clusters = [row.section for row, _ in next(iter(counted.values()), [])]
    if not clusters:
        return []
    measures = {
        label: {metric: mean_measure([count for _, count in rows])} for label, rows in counted.items()
    }
    return compare_pairs(pairs, measures, ClusteredBootstrap(clusters, resampling))
