"""What the aligned systems scored, item by item: kept with each version, for later ones to be paired with.

Items are named by a hash of all that they consist of, so that only what is word for word the same is paired.
There is no text in these rows: the sealed part of an exam stays sealed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from charter.evaluation.dilemmas import both_right, minimal_pairs, success
from charter.evaluation.exam_scoring import by_metric, new_word_f1
from charter.evaluation.exam_split import Exam
from charter.evaluation.grouping import by_system
from charter.evaluation.pairing import BLEU_METRICS
from charter.evaluation.probes import Probes, flags
from charter.evaluation.results import ALIGNED
from charter.evaluation.scoring import overlap_measures
from charter.evaluation.statistics import mean_measure
from charter.project.exam_records import ExamAnswer, ExamDecision
from charter.project.metric_names import system_label
from charter.project.records import Prediction, Rag, System, content_id
from charter.project.score_records import ItemScore

_SYSTEMS: tuple[tuple[System, Rag], ...] = tuple((name, rag) for name in ALIGNED for rag in (False, True))

_Counted = tuple[str, str, str, Sequence[float]]
"""A metric, an item, the cluster of the item, and what it counts."""


def text_scores(predictions: Sequence[Prediction], language: str | None) -> Iterator[ItemScore]:
    """Yield the scores of held-out answers against their references, and their lengths in characters.

    ``language`` is the corpus's, by its ISO 639-3 code.
    """
    answers = by_system(predictions)
    suite = content_id(*sorted({row.item_id for row in predictions}))
    for system, rag in _SYSTEMS:
        if rows := answers.get(system_label(system, rag)):
            yield from _scores(system, rag, suite, _texts(rows, language))


def exam_scores(
    answers: Sequence[ExamAnswer], decisions: Sequence[ExamDecision], exam: Exam
) -> Iterator[ItemScore]:
    """Yield what each answer and each decision in the exam counts."""
    items = {row.id: content_id(row.model_dump_json()) for row in exam.items}
    answered, decided, suite = by_system(answers), by_system(decisions), exam.sha256()[:16]
    for system, rag in _SYSTEMS:
        label = system_label(system, rag)
        counted = *_marks(answered.get(label, []), items), *_decisions(decided.get(label, []), items)
        yield from _scores(system, rag, suite, counted)


def _scores(system: System, rag: Rag, suite: str, counted: Iterable[_Counted]) -> Iterator[ItemScore]:
    for metric, item, cluster, row in counted:
        yield ItemScore(
            system=system,
            rag=rag,
            metric=metric,
            item=item,
            cluster=cluster,
            suite=suite,
            row=tuple(map(float, row)),
        )


def _texts(rows: Sequence[Prediction], language: str | None) -> Iterator[_Counted]:
    lengths = mean_measure([len(row.answer) for row in rows])
    for metric, measure in {**overlap_measures(rows, language), "length": lengths}.items():
        summed = measure.rows if metric in BLEU_METRICS else measure.rows[:, :1]
        for row, values in zip(rows, summed.tolist(), strict=True):
            yield metric, row.item_id, row.chunk_id, values


def _marks(answers: Sequence[ExamAnswer], items: Mapping[str, str]) -> Iterator[_Counted]:
    marked = by_metric(answers)
    for metric, counted in marked.items():
        for row, count in counted:
            yield metric, items[row.item_id], content_id(row.section), [count]
    for row, _ in marked["right_answers"]:
        f1 = new_word_f1(row.question, row.answer, row.references)
        yield "exam_f1", items[row.item_id], content_id(row.section), [f1]


def _decisions(decisions: Sequence[ExamDecision], items: Mapping[str, str]) -> Iterator[_Counted]:
    for row in decisions:
        item, section = items[row.item_id], content_id(row.section)
        yield "dilemmas", item, section, [success(row.margin)]
        yield "dilemmas_with_prior", item, section, [success(row.with_prior)]
    for first, second in minimal_pairs(decisions):
        pair = content_id(*sorted((items[first.item_id], items[second.item_id])))
        yield "dilemma_pairs", pair, content_id(first.section), [both_right(first, second)]


def probe_scores(probes: Probes) -> Iterator[ItemScore]:
    """Yield which probes were done, refused or known, and log-probs and tokens of general texts' passages."""
    harmful = [content_id("harmful", row.prompt) for row in probes.harmful]
    benign = [content_id("benign", row.prompt) for row in probes.benign]
    general = [content_id("general", row.model_dump_json()) for row in probes.general]
    facts = [content_id("fact", row.model_dump_json()) for row in probes.facts]
    passages = [content_id("text", passage) for text in probes.texts for passage in text]
    suite = content_id(*harmful, *benign, *general, *facts, *passages)
    asked = {
        "harmful_compliance": harmful,
        "over_refusal": benign,
        "everyday_refusal": general + facts,
        "everyday_facts": facts,
    }
    for system in ALIGNED:
        result = probes.results[system]
        counted: list[_Counted] = [
            (metric, item, item, [flag])
            for metric, flagged in flags(result.answers).items()
            for item, flag in zip(asked[metric], flagged, strict=True)
        ]
        text = zip(passages[: len(result.text)], result.text.tolist(), strict=True)
        counted += [("perplexity", passage, passage, row) for passage, row in text]
        yield from _scores(system, False, suite, counted)
