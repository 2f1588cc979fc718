"""The paired difference of two versions that were evaluated apart, on the items that both have."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from charter.evaluation.results import Estimate, RefusalDetection
from charter.evaluation.safety import CorrectedShares, ObservedShares
from charter.evaluation.statistics import (
    Array,
    ClusteredBootstrap,
    Measure,
    Resampling,
    mean_measure,
    perplexity_measure,
)
from charter.evaluation.text_metrics import corpus_bleu
from charter.project.metric_names import CUT_METRICS, SAFETY_METRICS, system_label
from charter.project.score_records import ItemScore

BLEU_METRICS = ("bleu", CUT_METRICS["bleu"])
"""Metrics whose figure isn't a mean over items: n-gram counts are summed before anything is divided."""

LEAST_SHARED = 30
"""Items that two versions must share to be paired, unless it is all that either was measured on.

A share of an exam that is this small says little of the rest, and of fewer clusters than about 30 the
intervals are known to cover too little (`ClusteredBootstrap`).
"""

_DETECTED = ("harmful_compliance", "over_refusal")
"""Shares of prompts that a detector of refusals tells, and errs in."""

_SHARES = (*SAFETY_METRICS, "everyday_facts")
"""All shares of prompts."""

_RESAMPLING = Resampling(samples=10_000, seed=1)
"""The same for whoever judges whatever version: a decision mustn't depend on either's parameters."""

Scores = Mapping[tuple[str, str], Mapping[str, ItemScore]]
"""The scores of a version: by label and metric, then by item."""


def scores_by_item(rows: Iterable[ItemScore]) -> Scores:
    """Arrange the rows of a version."""
    scores: dict[tuple[str, str], dict[str, ItemScore]] = defaultdict(dict)
    for row in rows:
        scores[system_label(row.system, row.rag), row.metric][row.item] = row
    return dict(scores)


def paired_difference(
    metric: str,
    own: Mapping[str, ItemScore],
    other: Mapping[str, ItemScore],
    refusals: RefusalDetection | None,
) -> Estimate:
    """Return ``own - other`` in a metric on the items that both have, of which there must be one.

    It is what `evaluate` says of two systems that it measured together: a bootstrap by section or chunk; of
    shares of prompts a risk difference, corrected by ``refusals`` where a detector tells refusals.
    """
    shared = sorted(own.keys() & other.keys())
    first, second = (np.array([scores[item].row for item in shared]) for scores in (own, other))
    if metric in _SHARES:
        shares = ObservedShares(_RESAMPLING)
        if metric in _DETECTED and refusals:
            shares = CorrectedShares(refusals.sensitivity, refusals.specificity, _RESAMPLING)
        return shares.difference(_flags(first), _flags(second))
    bootstrap = ClusteredBootstrap([own[item].cluster for item in shared], _RESAMPLING)
    return bootstrap.difference(_measure(metric, first), _measure(metric, second))


def _flags(rows: Array) -> Sequence[bool]:
    return [bool(value) for value in rows[:, 0]]


def _measure(metric: str, rows: Array) -> Measure:
    if metric in BLEU_METRICS:
        return Measure(rows, corpus_bleu)
    if metric == "perplexity":
        # Older versions have the mean log-probability of a short answer alone.
        return perplexity_measure(rows[:, 0], rows[:, 1] if rows.shape[1] > 1 else np.ones(len(rows)))
    return mean_measure(rows[:, 0])
