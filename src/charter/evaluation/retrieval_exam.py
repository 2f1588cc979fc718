"""How well each way of searching finds what the dev questions of an exam are answered by."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import get_args

import numpy as np

from charter.evaluation.answer_language import language_of_answers
from charter.evaluation.exam import read_dev
from charter.evaluation.exam_quotes import find_quotes
from charter.evaluation.key_facts import Scorer
from charter.evaluation.results import Estimate, rank_of
from charter.evaluation.statistics import ClusteredBootstrap, Resampling, clustered_share, mean_measure
from charter.evaluation.trivial import Sentences, nearest_sentences
from charter.project.devices import resolve_device
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Chunk
from charter.project.sections import Retrieval, RetrievalMethod, RetrievalUnit
from charter.project.storage import read_rows
from charter.retrieval.encoder import Encoder
from charter.retrieval.index import build_index

PASSAGES = (1, 3, 5)
"""How many passages are looked at."""

_RANKED = 100
"""A chunk that comes later adds nothing to the mean reciprocal rank."""


@dataclass(frozen=True)
class RetrievalFigures:
    """What a method finds of the dev questions that the document answers; intervals are over sections.

    ``hits`` is, by the number of passages, the share of questions whose own chunk is among them; ``right``
    that of questions which the nearest sentence of these passages answers rightly, by the scorer of the exam.
    ``mrr`` is the mean of 1 / rank.
    """

    unit: RetrievalUnit
    method: RetrievalMethod
    hits: dict[int, Estimate]
    right: dict[int, Estimate]
    mrr: Estimate


def measure_retrieval(params: Params, paths: CorpusPaths) -> list[RetrievalFigures]:
    """Search the chunks and their sentences by every method, whichever the index was made for.

    Raises:
        CharterError: The chunks, the exam or the encoder is missing.
    """
    chunks = read_rows(paths.chunks, Chunk)
    rows = [row for row in read_dev(paths).questions if row.kind != "unanswerable"]
    language = language_of_answers(chunks)
    questions, sections = [row.question for row in rows], [row.section for row in rows]
    own = find_quotes([row.quote for row in rows], chunks)
    encoder = Encoder(paths.encoder, resolve_device(params.compute))
    sentences = Sentences({chunk.id: chunk for chunk in chunks}, encoder)
    bootstrap = ClusteredBootstrap(sections, Resampling(params.evaluate.bootstrap_samples, params.seed))

    def right(answers: Sequence[str]) -> Estimate:
        marks = [Scorer(row, language).mark(answer) for row, answer in zip(rows, answers, strict=True)]
        return clustered_share([float(mark.fault is None) for mark in marks], sections)

    measured = []
    for unit, method in product(get_args(RetrievalUnit), get_args(RetrievalMethod)):
        settings = Retrieval(unit=unit, method=method, passages=1)
        found = build_index(chunks, encoder, settings).search(questions, _RANKED)
        ranks = [rank_of(name, passages) or np.inf for name, passages in zip(own, found, strict=True)]
        measured.append(
            RetrievalFigures(
                unit=unit,
                method=method,
                hits={k: clustered_share([float(rank <= k) for rank in ranks], sections) for k in PASSAGES},
                right={
                    k: right(nearest_sentences(questions, [row[:k] for row in found], sentences))
                    for k in PASSAGES
                },
                mrr=bootstrap.estimate(mean_measure([1 / rank for rank in ranks])),
            )
        )
    return measured
