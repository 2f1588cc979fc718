"""What people found of answers: of the systems that gave them, and of what marks and judges answers."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from charter.evaluation.agreement import Reading, ReviewerAgreement, reviewer_agreements
from charter.evaluation.answer_review import MODELS, Found, answer_id, found_of
from charter.evaluation.grouping import grouped
from charter.evaluation.results import OPPONENT, Estimate
from charter.evaluation.statistics import Resampling, clustered_share, kappa
from charter.evaluation.win_rate import WIN_RATE, verdict_pairs
from charter.project.metric_names import system_label
from charter.project.records import Judgement, Prediction
from charter.project.review_records import AnswerDecision, ReadAnswer
from charter.synthesis.row_decisions import last_decisions


@dataclass(frozen=True)
class AnswerFigures:
    """What came of reading answers; the counts are of answers, equal ones of several systems counting once.

    ``right`` is the share of right ones among each system's answers to held-out questions that people agree
    on, by label. ``scorer`` is kappa of people with the exam's scorer, of answers to dev questions; None
    where none was read. ``judges`` is kappa of people with each judge: of a system's answer and OPPONENT's,
    of which people find one right and the other wrong, which is the better. Intervals are over passages.
    """

    outcomes: Counter[Found]
    right: Mapping[str, Estimate]
    agreements: Sequence[ReviewerAgreement]
    scorer: Estimate | None
    judges: Mapping[str, Estimate]


def answer_figures(
    decisions: Sequence[AnswerDecision],
    predictions: Sequence[Prediction],
    judgements: Sequence[Judgement],
    resampling: Resampling,
) -> AnswerFigures:
    """Hold a corpus's decisions, in the order of their times, against its answers as they are now."""
    settled = {about: (found_of(last), last[0].answer) for about, last in last_decisions(decisions).items()}
    verdicts = {
        about: found == "right" for about, (found, _) in settled.items() if found in ("right", "wrong")
    }
    marked = [
        (verdicts[about], answer.marked_right, _cluster(answer))
        for about, (_, answer) in settled.items()
        if about in verdicts and answer.marked_right is not None
    ]
    return AnswerFigures(
        outcomes=Counter(found for found, _ in settled.values()),
        right=_right(predictions, verdicts),
        agreements=reviewer_agreements(
            (_reading(each) for each in decisions if not each.informed), resampling
        ),
        scorer=_kappa(marked, resampling),
        judges={
            judge: figure
            for judge, rows in grouped(judgements, lambda row: row.judge).items()
            if (figure := _with_judge(predictions, verdicts, rows, resampling))
        },
    )


def _reading(decision: AnswerDecision) -> Reading:
    verdict = None if decision.decision == "unsure" else decision.decision == "right"
    return Reading(decision.reviewer, decision.about, verdict, _cluster(decision.answer))


def _cluster(answer: ReadAnswer) -> str:
    return answer.chunk_id or answer.item_id


def _right(predictions: Sequence[Prediction], verdicts: Mapping[str, bool]) -> dict[str, Estimate]:
    """Return each system's share of right answers, in the order of the predictions."""
    read: dict[str, list[tuple[bool, str]]] = defaultdict(list)
    for row in predictions:
        if row.system in MODELS and answer_id(row) in verdicts:
            read[system_label(row.system, row.rag)].append((verdicts[answer_id(row)], row.chunk_id))
    return {
        label: clustered_share([float(right) for right, _ in rows], [chunk for _, chunk in rows])
        for label, rows in read.items()
    }


def _with_judge(
    predictions: Sequence[Prediction],
    verdicts: Mapping[str, bool],
    judgements: Sequence[Judgement],
    resampling: Resampling,
) -> Estimate | None:
    """Compare what people and a judge find the better answer; a judge's tie says nothing, and is left out."""
    answers = {(system_label(row.system, row.rag), row.item_id): answer_id(row) for row in predictions}
    compared: dict[tuple[str, str], tuple[bool, bool, str]] = {}
    for comparison, pairs in verdict_pairs(judgements).items():
        label = comparison.removeprefix(WIN_RATE)
        for pair in pairs:
            item, preference = pair.a_first.item_id, round(pair.score() - 0.5, 9)
            own, other = answers.get((label, item), ""), answers.get((OPPONENT, item), "")
            if own in verdicts and other in verdicts and verdicts[own] != verdicts[other] and preference:
                compared[own, other] = verdicts[own], preference > 0, pair.a_first.chunk_id
    return _kappa(list(compared.values()), resampling)


def _kappa(rows: Sequence[tuple[bool, bool, str]], resampling: Resampling) -> Estimate | None:
    """Return kappa of two verdicts and their cluster, a row each; None of none."""
    if not rows:
        return None
    first, second, clusters = zip(*rows, strict=True)
    return kappa(first, second, clusters, resampling)
