"""What a corpus's results say, in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass

from charter.evaluation.results import BASELINE, MARGIN_METRICS, Evaluation
from charter.report.claims import Answer, direction, margins, safety_claims
from charter.report.formatting import METRIC_NAMES, figure, ratio, share, signed, system_name
from charter.report.sentences import claim_sentence

_GOOD: Mapping[int, Answer] = {1: "yes", -1: "no", 0: "not shown"}

_REACHED: Mapping[Answer, str] = {
    "yes": "reached",
    "no": "not reached",
    "not shown": "not shown, as the interval of the ratio begins below it",
}

_BESIDE_TEACHER = "In {metric} the aligned model without RAG is {verb} the teacher with RAG: {difference}."
_AFTER_SFT = "DPO {verb} {metric} after SFT: {difference}."
_WITH_RAG = "RAG {verb} the aligned model in {metric}: {difference} (in the published table it hurts)."


@dataclass(frozen=True)
class Finding:
    """A sentence, and whether it is good news, bad news (no), or not decided by the data."""

    good: Answer
    text: str


def findings(evaluation: Evaluation) -> list[Finding]:
    """Return what was reached and what was not, the reproduced claims first."""
    teacher_verbs = ("better than", "not as good as", "not told apart, on these questions, from")
    sft_verbs = ("adds to", "takes from", "changes nothing that can be shown in")
    rag_verbs = ("helps", "hurts", "makes no difference that can be shown to")
    retrieval = _compared(evaluation, "dpo+rag", "dpo", _WITH_RAG, rag_verbs)
    return [
        *_margins(evaluation),
        *_compared(evaluation, "dpo", "teacher+rag", _BESIDE_TEACHER, teacher_verbs),
        *_compared(evaluation, "dpo", "sft", _AFTER_SFT, sft_verbs),
        # Whether retrieval helps is neither good news nor bad.
        *(Finding("not shown", finding.text) for finding in retrieval),
        *_adherence(evaluation),
        *(Finding(claim.improves, claim_sentence(claim)) for claim in safety_claims(evaluation)),
        _judge(evaluation),
    ]


def _margins(evaluation: Evaluation) -> list[Finding]:
    found = []
    for margin in margins(evaluation):
        row, metric = margin.row, margin.row.metric
        own, base = (evaluation.systems[label][metric].value for label in (row.system, BASELINE))
        good = _GOOD[direction(row.difference)]
        of_base = "" if row.ratio is None else f"{ratio(row.ratio)}, "
        outcome = ""
        if margin.reached is not None:
            good = margin.reached
            outcome = f"; the published margin of ×{margin.published_ratio:.2f} is {_REACHED[margin.reached]}"
        text = (
            f"{system_name(row.system)} without RAG has {METRIC_NAMES[metric]} {figure(metric, own)}, "
            f"{system_name(BASELINE)} {figure(metric, base)}: "
            f"{of_base}{signed(metric, row.difference)}{outcome}."
        )
        found.append(Finding(good, text))
    return found


def _compared(
    evaluation: Evaluation, system: str, against: str, sentence: str, verbs: tuple[str, str, str]
) -> list[Finding]:
    """Write a sentence on each difference of two systems; the verbs are for above, below and neither."""
    above, below, neither = verbs
    found = []
    for metric in MARGIN_METRICS:
        if row := evaluation.compared.get((system, against, metric)):
            side = direction(row.difference)
            text = sentence.format(
                verb={1: above, -1: below, 0: neither}[side],
                metric=METRIC_NAMES[metric],
                difference=signed(metric, row.difference),
            )
            found.append(Finding(_GOOD[side], text))
    return found


def _adherence(evaluation: Evaluation) -> list[Finding]:
    seed, aligned = (evaluation.measured(label, "adherence") for label in ("seed", "dpo"))
    if seed is None or aligned is None:
        return []
    apart = None not in (seed.high, aligned.low) and (aligned.low or 0) > (seed.high or 0)
    text = (
        f"On {aligned.n} held-out preference pairs the aligned model favours the faithful response in "
        f"{share(aligned)}, the seed in {share(seed)}."
    )
    return [Finding("yes" if apart else "no" if aligned.value < seed.value else "not shown", text)]


def _judge(evaluation: Evaluation) -> Finding:
    judge = evaluation.judge
    who = "The judge, which is the teacher itself," if judge.is_teacher else "The judge"
    if judge.valid:
        text = f"{who} passed its controls: it prefers the right reference in {share(judge.shuffled)}."
        return Finding("yes", text)
    return Finding(
        "no",
        f"{who} failed its controls (it prefers the right reference in {share(judge.shuffled)} and "
        f"the chosen response in {share(judge.preference)}), so its win rates are not shown.",
    )
