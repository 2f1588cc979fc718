"""The report: one HTML file that needs nothing else, the same bytes for the same results."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from charter.evaluation.answer_figures import AnswerFigures
from charter.evaluation.arm_results import ArmEvaluation
from charter.evaluation.results import ALIGNED, BASELINE, Comparison, Evaluation
from charter.evaluation.review_figures import ReviewFigures
from charter.evaluation.scored_answers import ScoredAnswer, by_section, most_changed, score_answers, worst
from charter.project.exam_records import ExamAnswer, ExamDecision
from charter.project.metric_names import METRICS
from charter.project.params import Params
from charter.project.records import Prediction
from charter.project.sections import Retrieval
from charter.report import formatting, judges, sentences, table
from charter.report.arms import ARM_COLUMNS, arm_rows, arm_sentences
from charter.report.charts import Interval, interval_plot, line_chart
from charter.report.coverage_map import coverage_map
from charter.report.curves import Curve
from charter.report.findings import findings
from charter.report.first_screen import first_screen
from charter.report.published import CAVEATS, PUBLISHED
from charter.report.rendering import render
from charter.synthesis.coverage import ChunkCoverage, summarize_coverage

_PLOTTED = ("bleu", "rougeL", "bertscore")
_INCOMPARABLE = ("bertscore", "win_rate")
"""Metrics whose published figures come from another encoder or judge: not drawn beside ours."""

_WORST, _MIDDLE, _BEST = 3, 2, 3

_CHANGED = 3

_SECTION_SYSTEMS = ("seed", "cft+rag", "sft", "dpo", "teacher+rag")

_NOT_DRAWN = ("step", "epoch", "learning_rate", "grad_norm")


@dataclass(frozen=True)
class CorpusContent:
    """What the report shows of one corpus.

    ``stages`` maps a stage to its metrics, a flat mapping of dotted names; ``curves`` a training stage to
    its curve. ``coverage`` has all chunks. ``answers`` and ``decisions`` are the exam's, of all systems:
    none where the corpus has no exam. ``review`` is None where nobody reviewed the rows,
    and ``read`` where nobody read answers. ``arms`` are further trainings.
    """

    evaluation: Evaluation
    predictions: Sequence[Prediction]
    stages: Mapping[str, Mapping[str, Any]]
    curves: Mapping[str, Curve]
    coverage: Sequence[ChunkCoverage]
    answers: Sequence[ExamAnswer]
    decisions: Sequence[ExamDecision]
    review: ReviewFigures | None = None
    read: AnswerFigures | None = None
    arms: Sequence[ArmEvaluation] = ()


@dataclass(frozen=True)
class Sample:
    """A question with all answers to it; ``place`` says why it is shown."""

    place: str
    rouge_l: float
    question: str
    reference: str
    answers: Mapping[str, str]


def build_report(corpora: Sequence[CorpusContent], params: Params, revision: str) -> str:
    """Return the report as one HTML document.

    Args:
        corpora: In the order of params.yaml.
        params: With which they were made.
        revision: The git commit of the code, as shown to a reader.
    """
    return render(
        "report.html.jinja",
        corpora=[_section(content, params) for content in corpora],
        params=json.dumps(params.model_dump(mode="json", exclude_unset=True), indent=2, ensure_ascii=False),
        profile=params.profile,
        models=params.base_models,
        revision=revision,
        shown=_shown(params.retrieval),
        caveats=CAVEATS,
        labels=table.LABELS,
        arm_columns=ARM_COLUMNS,
        baseline=BASELINE,
        judges=judges,
        sentences=sentences,
        table=table,
    )


def _shown(retrieval: Retrieval) -> str:
    """Name what is put before a model: "passage", or "3 sentences"."""
    unit = {"chunk": "passage", "sentence": "sentence"}[retrieval.unit]
    return unit if retrieval.passages == 1 else f"{retrieval.passages} {unit}s"


def _section(content: CorpusContent, params: Params) -> dict[str, Any]:
    evaluation = content.evaluation
    answers = score_answers(content.predictions, [], [item.chunk for item in content.coverage])
    chunks = coverage_map(content.coverage)
    return {
        "first": first_screen(evaluation, content.answers, content.decisions, chunks, params.gates, answers),
        "evaluation": evaluation,
        "findings": findings(evaluation),
        "published": PUBLISHED.get(evaluation.corpus, {}),
        "plots": [(formatting.METRIC_NAMES[metric], _plot(evaluation, metric)) for metric in _PLOTTED],
        "differences": _differences(evaluation),
        "coverage": summarize_coverage(content.coverage),
        "chunks": chunks,
        "review": content.review,
        "read": content.read,
        "arm_rows": arm_rows(evaluation, content.arms),
        "arm_sentences": arm_sentences(evaluation, content.arms),
        "stages": content.stages,
        "curves": [chart for stage, curve in content.curves.items() for chart in _curves(stage, curve)],
        "samples": [*choose_samples(answers), *_changed_samples(answers)],
        "section_systems": _SECTION_SYSTEMS,
        "sections": by_section(answers),
    }


def _plot(evaluation: Evaluation, metric: str) -> Markup:
    published = {} if metric in _INCOMPARABLE else PUBLISHED.get(evaluation.corpus, {})
    rows = [
        Interval(
            label=formatting.system_name(label),
            estimate=estimate,
            reference=published[label][metric].value if label in published else None,
            emphasised=label in ALIGNED,
        )
        for label in table.LABELS
        if (estimate := evaluation.measured(label, metric))
    ]
    title = f"{formatting.METRIC_NAMES[metric]} of all systems with 95 % intervals; figures are in the table"
    return interval_plot(title, metric, rows)


def _differences(evaluation: Evaluation) -> dict[tuple[str, str], dict[str, Comparison]]:
    """Return, for each pair of systems that were compared, the differences by text metric."""
    pairs: dict[tuple[str, str], dict[str, Comparison]] = {}
    for row in evaluation.comparisons:
        if row.metric in METRICS:
            pairs.setdefault((row.system, row.against), {})[row.metric] = row
    return pairs


def _curves(stage: str, curve: Curve) -> list[tuple[str, Markup]]:
    """Draw each figure of a training over its steps, that of the validation split beside it."""
    charts = []
    for name in curve:
        if name in _NOT_DRAWN or (name.startswith("eval_") and name.removeprefix("eval_") in curve):
            continue
        both = {"training": _points(curve, name), "validation": _points(curve, f"eval_{name}")}
        if lines := {title: points for title, points in both.items() if points}:
            charts.append((f"{stage}: {name}", line_chart(f"{stage}: {name} over training steps", lines)))
    return charts


def _points(curve: Curve, column: str) -> list[tuple[float, float]]:
    rows = zip(curve["step"], curve[column], strict=True) if column in curve else ()
    return [(step, value) for step, value in rows if step is not None and value is not None]


def choose_samples(answers: Sequence[ScoredAnswer]) -> list[Sample]:
    """Take the questions that the DPO model without RAG answers worst, middling and best by ROUGE-L.

    The choice is made by figures alone. Of a corpus with few questions all are shown.
    """
    ordered = worst(answers, "dpo", len(answers))
    if len(ordered) <= _WORST + _MIDDLE + _BEST:
        chosen = [("", row) for row in ordered]
    else:
        middle = (len(ordered) - _MIDDLE) // 2
        chosen = [("worst", row) for row in ordered[:_WORST]]
        chosen += [("middle", row) for row in ordered[middle : middle + _MIDDLE]]
        chosen += [("best", row) for row in ordered[-_BEST:]]
    return [_sample(place, row, answers) for place, row in chosen]


def _changed_samples(answers: Sequence[ScoredAnswer]) -> list[Sample]:
    """Take the questions where DPO changed ROUGE-L of the SFT model most, and how."""
    return [
        _sample(f"DPO {formatting.signed_figure('rougeL', own.rouge_l - other.rouge_l)} to", own, answers)
        for own, other in most_changed(answers, "dpo", "sft", _CHANGED)
    ]


def _sample(place: str, shown: ScoredAnswer, answers: Sequence[ScoredAnswer]) -> Sample:
    return Sample(
        place=place,
        rouge_l=shown.rouge_l,
        question=shown.row.question,
        reference=shown.row.reference,
        answers={row.label: row.row.answer for row in answers if row.row.item_id == shown.row.item_id},
    )
