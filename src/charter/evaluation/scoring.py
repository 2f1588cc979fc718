"""From answers and verdicts to the results of a corpus. Nothing is read or written here."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from charter.evaluation.grouping import by_system
from charter.evaluation.results import (
    ALIGNED,
    BASELINE,
    MARGIN_METRICS,
    OPPONENT,
    Comparison,
    Contrast,
    Estimate,
    Evaluation,
    gold_rank,
)
from charter.evaluation.several_judges import judge_agreement, judge_results
from charter.evaluation.statistics import (
    RANDOMISATION_ROUNDS,
    Array,
    ClusteredBootstrap,
    Measure,
    Resampling,
    clustered_share,
    holm,
    mean_measure,
)
from charter.evaluation.text_metrics import (
    ROUGE_SIGNATURE,
    bleu_measure,
    bleu_signature,
    cut_to_length,
    rouge_scores,
)
from charter.evaluation.win_rate import Judge
from charter.project.errors import CharterError
from charter.project.exam_records import ExamAnswer
from charter.project.metric_names import CUT_METRICS, SYSTEMS
from charter.project.records import Judgement, Prediction

COMPARED = (
    *(("dpo", other) for other in ("seed", "seed+rag", "cft", "cft+rag", "cft+gold", "sft", "teacher+rag")),
    *(("sft", other) for other in ("seed", "seed+rag", "cft", "cft+rag", "cft+gold", "teacher+rag")),
    ("dpo+rag", "dpo"),
    ("sft+rag", "sft"),
)
"""The pairs of systems compared, in every text metric; over BASELINE also in CUT_METRICS."""

FAMILY: Set[Contrast] = {(system, BASELINE, metric) for system in ALIGNED for metric in MARGIN_METRICS}
"""What the text metrics are to find out: the published claim, and nothing else. It was named before any run
was measured, and is four tests and not all of COMPARED, since of some ninety a few come out by chance, and
corrected for ninety a true one is lost. The others have intervals to look at."""


@dataclass(frozen=True)
class Rating:
    """Whose figures they are, how they are obtained, and what else they depend on, as in `Evaluation`.

    ``bert_score`` maps answers and references to an F an item; ``encoder`` says of which encoder.
    ``language`` is the corpus's, by its ISO 639-3 code, and ``cautions`` as in `Evaluation`. ``judges`` are
    by name, the first one first.
    """

    corpus: str
    title: str
    language: str | None
    cautions: Sequence[str]
    settings: Mapping[str, str]
    lineage: Mapping[str, str]
    judges: Mapping[str, Judge]
    bert_score: Callable[[Sequence[str], Sequence[str]], Array]
    encoder: str
    resampling: Resampling


def score_corpus(
    predictions: Sequence[Prediction],
    judgements: Sequence[Judgement],
    adherence: Mapping[str, Estimate],
    rating: Rating,
) -> Evaluation:
    """Measure all systems of a corpus and compare them. Safety and retention are left out.

    Predictions are of every system to the same items; ``adherence`` is by label.

    Raises:
        CharterError: A system's answers are not to the same items as the others', or a pair of answers was
            not judged once in each order.
    """
    resampling = rating.resampling
    answers = _in_table_order(predictions)
    judged = judge_results(judgements, answers, rating.judges, resampling)
    (judge_name, first), *others = judged.items()
    items = next(iter(answers.values()))
    clusters = [row.chunk_id for row in items]
    bootstrap = ClusteredBootstrap(clusters, resampling)
    measures: dict[str, dict[str, Measure]] = {}
    systems: dict[str, dict[str, Estimate]] = {}
    for label, rows in tqdm(answers.items(), desc="scores of systems", disable=None):
        scores = rating.bert_score([row.answer for row in rows], [row.reference for row in rows])
        measures[label] = {**overlap_measures(rows, rating.language), "bertscore": mean_measure(scores)}
        figures = {metric: bootstrap.estimate(measure) for metric, measure in measures[label].items()}
        if label in first.estimates:
            figures["win_rate"] = first.estimates[label]
        if label in adherence and adherence[label].n:
            figures["adherence"] = adherence[label]
        if rows[0].rag is True:
            figures |= retrieval(rows, clusters, bootstrap)
        figures["length"] = bootstrap.estimate(mean_measure([len(row.answer) for row in rows]))
        systems[label] = figures
    return Evaluation(
        corpus=rating.corpus,
        title=rating.title,
        language=rating.language,
        cautions=list(rating.cautions),
        systems=systems,
        comparisons=correct(compare_pairs(COMPARED, measures, bootstrap), FAMILY),
        judge=first.validity,
        win_rates=first.win_rates,
        judge_name=judge_name,
        further_judges=dict(others),
        judge_agreement=judge_agreement(judgements, resampling),
        settings={
            **rating.settings,
            "bleu": bleu_signature(rating.language),
            "rouge": ROUGE_SIGNATURE,
            "bertscore": rating.encoder,
            "opponent": OPPONENT,
            "interval": f"95 %, BCa bootstrap by chunk, {resampling.samples} resamples, seed "
            f"{resampling.seed}; shares: Wilson at the effective sample size",
            "p": f"paired randomisation by chunk, {RANDOMISATION_ROUNDS} rounds; Holm within the tests that "
            f"were named beforehand, in text metrics {', '.join(ALIGNED)} against {BASELINE} in "
            f"{', '.join(MARGIN_METRICS)}",
        },
        lineage=dict(rating.lineage),
    )


def compare_pairs(
    pairs: Sequence[tuple[str, str]],
    measures: Mapping[str, Mapping[str, Measure]],
    bootstrap: ClusteredBootstrap,
) -> list[Comparison]:
    """Compare two systems, if both were measured, in each metric; in CUT_METRICS over BASELINE alone."""
    return [
        bootstrap.compare((system, against, metric), own, measures[against][metric])
        for system, against in pairs
        if system in measures and against in measures
        for metric, own in measures[system].items()
        if metric not in CUT_METRICS.values() or against == BASELINE
    ]


def correct(rows: Sequence[Comparison], family: Set[Contrast] | None = None) -> list[Comparison]:
    """Correct p within the family alone; None: all rows are one family."""
    within = {row.contrast: row.p for row in rows if family is None or row.contrast in family}
    corrected = dict(zip(within, holm(list(within.values())), strict=True))
    return [row.model_copy(update={"p_holm": corrected.get(row.contrast)}) for row in rows]


def _in_table_order(predictions: Sequence[Prediction]) -> dict[str, list[Prediction]]:
    """Group by label, in the order of the published table, items in one order for all."""
    answers = by_system(
        sorted(predictions, key=lambda row: (SYSTEMS.index((row.system, row.rag)), row.item_id))
    )
    if not answers:
        raise CharterError("there are no predictions to score; run `dvc repro` again")
    expected = [row.item_id for row in next(iter(answers.values()))]
    for label, rows in answers.items():
        if [row.item_id for row in rows] != expected:
            raise CharterError(
                f"predictions of {label}: {len(rows)} answers, not one to each of the {len(set(expected))} "
                "questions of the other systems; run `dvc repro` again"
            )
    return answers


def overlap_measures(rows: Sequence[Prediction], language: str | None) -> dict[str, Measure]:
    """Measure what answers share with their references, as they are and cut to the reference's length."""
    answers, references = [row.answer for row in rows], [row.reference for row in rows]
    cut = [cut_to_length(row.answer, len(row.reference)) for row in rows]
    return {
        "bleu": bleu_measure(answers, references, language),
        **{metric: mean_measure(scores) for metric, scores in rouge_scores(answers, references).items()},
        CUT_METRICS["bleu"]: bleu_measure(cut, references, language),
        CUT_METRICS["rougeL"]: mean_measure(rouge_scores(cut, references)["rougeL"]),
    }


def retrieval(
    rows: Sequence[Prediction | ExamAnswer], clusters: Sequence[str], bootstrap: ClusteredBootstrap
) -> dict[str, Estimate]:
    """Measure how the chunk a question came from was ranked; a chunk that wasn't retrieved adds 0 to MRR."""
    ranks = [gold_rank(row) or np.inf for row in rows]
    return {
        "hit@1": clustered_share([rank == 1 for rank in ranks], clusters),
        "hit@k": clustered_share([rank < np.inf for rank in ranks], clusters),
        "mrr": bootstrap.estimate(mean_measure([1 / rank for rank in ranks])),
    }
