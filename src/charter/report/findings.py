"""What a corpus's results say, in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from charter.evaluation.results import BASELINE, MARGIN_METRICS, Estimate, Evaluation
from charter.report.claims import Answer, safety_claims
from charter.report.formatting import METRIC_NAMES, figure, share, signed, system_name
from charter.report.margins import margins
from charter.report.sentences import claim_sentence

Verdict = Literal["yes", "no", "open"]


@dataclass(frozen=True)
class Finding:
    """A sentence, and whether it is good news, bad news, or not decided by the data."""

    verdict: Verdict
    text: str


def findings(evaluation: Evaluation) -> list[Finding]:
    """Return what was reached and what was not, the reproduced claims first."""
    retrieval = _compared(
        evaluation,
        "dpo+rag",
        "dpo",
        "RAG {verb} the aligned model in {metric}: {difference} (in the published table it hurts).",
        {"yes": "helps", "no": "hurts", "open": "makes no difference that can be shown to"},
    )
    return [
        *_margins(evaluation),
        *_compared(
            evaluation,
            "dpo",
            "teacher+rag",
            "In {metric} the aligned model without RAG is {verb} the teacher with RAG: {difference}.",
            {
                "yes": "better than",
                "no": "not as good as",
                "open": "not told apart, on these questions, from",
            },
        ),
        *_compared(
            evaluation,
            "dpo",
            "sft",
            "DPO {verb} {metric} after SFT: {difference}.",
            {"yes": "adds to", "no": "takes from", "open": "changes nothing that can be shown in"},
        ),
        # Whether retrieval helps is neither good news nor bad.
        *(Finding("open", finding.text) for finding in retrieval),
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


def _compared(
    evaluation: Evaluation, system: str, against: str, sentence: str, verbs: Mapping[Verdict, str]
) -> list[Finding]:
    """Write a sentence on each difference of two systems, with the verb of its verdict."""
    found = []
    for row in evaluation.comparisons:
        if (row.system, row.against) == (system, against) and row.metric in MARGIN_METRICS:
            verdict = _side(row.difference)
            text = sentence.format(
                verb=verbs[verdict],
                metric=METRIC_NAMES[row.metric],
                difference=signed(row.metric, row.difference),
            )
            found.append(Finding(verdict, text))
    return found


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


def _side(difference: Estimate) -> Verdict:
    if difference.low is not None and difference.low > 0:
        return "yes"
    if difference.high is not None and difference.high < 0:
        return "no"
    return "open"
