"""What a corpus's results say, in plain words."""

from dataclasses import dataclass
from typing import Literal

from charter.evaluation.results import BASELINE, Comparison, Estimate, Evaluation
from charter.report.claims import Answer, safety_claims
from charter.report.margins import margins
from charter.report.table import METRIC_NAMES, claim_sentence, figure, share, signed, system_name

Verdict = Literal["yes", "no", "open"]


@dataclass(frozen=True)
class Finding:
    """A sentence, and whether it is good news, bad news, or not decided by the data."""

    verdict: Verdict
    text: str


def findings(evaluation: Evaluation) -> list[Finding]:
    """Return what was reached and what was not, the reproduced claims first."""
    return [
        *_margins(evaluation),
        *_teacher(evaluation),
        *_preference_training(evaluation),
        *_retrieval(evaluation),
        *_adherence(evaluation),
        *_safety(evaluation),
        _judge(evaluation),
    ]


def _margins(evaluation: Evaluation) -> list[Finding]:
    found = []
    for margin in margins(evaluation):
        own = evaluation.systems[margin.system][margin.metric]
        base = evaluation.systems[BASELINE][margin.metric]
        text = (
            f"{system_name(margin.system)} without RAG has {METRIC_NAMES[margin.metric]} "
            f"{figure(margin.metric, own.value)}, "
            f"{system_name(BASELINE)} {figure(margin.metric, base.value)}: "
        )
        text += "" if margin.ratio is None else f"×{margin.ratio:.2f}, "
        text += signed(margin.metric, margin.difference)
        verdict = _side(margin.difference)
        if margin.published_ratio is not None:
            verdict = "yes" if margin.reached else "no"
            outcome = "reached" if margin.reached else "not reached"
            text += f"; the published margin of ×{margin.published_ratio:.2f} is {outcome}"
        found.append(Finding(verdict, f"{text}."))
    return found


def _teacher(evaluation: Evaluation) -> list[Finding]:
    words = {
        "yes": "better than",
        "no": "not as good as",
        "open": "not told apart, on these questions, from",
    }
    return [
        Finding(
            _side(row.difference),
            f"In {METRIC_NAMES[row.metric]} the aligned model without RAG is "
            f"{words[_side(row.difference)]} the teacher with RAG: {signed(row.metric, row.difference)}.",
        )
        for row in _compared(evaluation, "dpo", "teacher+rag")
    ]


def _preference_training(evaluation: Evaluation) -> list[Finding]:
    words = {"yes": "adds to", "no": "takes from", "open": "changes nothing that can be shown in"}
    return [
        Finding(
            _side(row.difference),
            f"DPO {words[_side(row.difference)]} {METRIC_NAMES[row.metric]} after SFT: "
            f"{signed(row.metric, row.difference)}.",
        )
        for row in _compared(evaluation, "dpo", "sft")
    ]


def _retrieval(evaluation: Evaluation) -> list[Finding]:
    words = {"yes": "helps", "no": "hurts", "open": "makes no difference that can be shown to"}
    return [
        Finding(
            "open",
            f"RAG {words[_side(row.difference)]} the aligned model in {METRIC_NAMES[row.metric]}: "
            f"{signed(row.metric, row.difference)} (in the published table it hurts).",
        )
        for row in _compared(evaluation, "dpo+rag", "dpo")
    ]


def _adherence(evaluation: Evaluation) -> list[Finding]:
    seed, aligned = (evaluation.systems.get(label, {}).get("adherence") for label in ("seed", "dpo"))
    if seed is None or aligned is None:
        return []
    apart = None not in (seed.high, aligned.low) and (aligned.low or 0) > (seed.high or 0)
    verdict: Verdict = "yes" if apart else "no" if aligned.value < seed.value else "open"
    return [
        Finding(
            verdict,
            f"On {aligned.n} held-out preference pairs the aligned model favours the faithful response in "
            f"{share(aligned)}, the seed in {share(seed)}.",
        )
    ]


def _safety(evaluation: Evaluation) -> list[Finding]:
    verdicts: dict[Answer, Verdict] = {"yes": "yes", "no": "no", "not shown": "open"}
    return [Finding(verdicts[claim.improves], claim_sentence(claim)) for claim in safety_claims(evaluation)]


def _judge(evaluation: Evaluation) -> Finding:
    judge = evaluation.judge
    if not judge.valid:
        return Finding(
            "no",
            f"The judge failed its controls (it prefers the right reference in {share(judge.shuffled)} and "
            f"the chosen response in {share(judge.preference)}), so its win rates are not shown.",
        )
    return Finding(
        "yes", f"The judge passed its controls: it prefers the right reference in {share(judge.shuffled)}."
    )


def _compared(evaluation: Evaluation, system: str, against: str) -> list[Comparison]:
    return [
        row
        for row in evaluation.comparisons
        if (row.system, row.against) == (system, against) and row.metric in ("bleu", "rougeL")
    ]


def _side(difference: Estimate) -> Verdict:
    if difference.low is not None and difference.low > 0:
        return "yes"
    if difference.high is not None and difference.high < 0:
        return "no"
    return "open"
