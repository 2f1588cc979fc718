"""How figures and systems are printed: as in the published table."""

from charter.evaluation.results import Estimate

METRIC_NAMES = {
    "bleu": "BLEU",
    "rouge1": "ROUGE-1",
    "rouge2": "ROUGE-2",
    "rougeL": "ROUGE-L",
    "rougeLsum": "ROUGE-Lsum",
    "bertscore": "BERTScore",
    "bleu_cut": "BLEU cut",
    "rougeL_cut": "ROUGE-L cut",
    "win_rate": "Win rate",
    "right_answers": "right answers",
    "right_verdicts": "right yes/no",
    "right_facts": "facts",
    "right_situations": "situations",
    "right_everyday": "everyday words",
    "unanswerable": "not said",
    "dilemmas": "dilemmas",
    "dilemma_pairs": "pairs",
    "own_advice": "own advice",
    "dilemmas_with_prior": "dilemmas, prior left in",
    "exam_f1": "F1 of new words",
    "harmful_compliance": "harmful done",
    "over_refusal": "benign refused",
    "everyday_refusal": "everyday refused",
    "everyday_facts": "everyday facts",
    "perplexity": "perplexity",
    "perplexity_ratio": "perplexity ratio",
    "seed_similarity": "like the seed's",
}

SYSTEM_NAMES = {"cft": "c-fine-tuned", "sft": "SFT", "dpo": "SFT+DPO"}
"""Of systems that are called otherwise for people than in metrics."""

MISSING = "–"

_ONE_DECIMAL = ("bleu", "bleu_cut", "perplexity")


def system_name(label: str) -> str:
    """Name a label for people: ``dpo+rag`` is "SFT+DPO+RAG"."""
    system, plus, rag = label.partition("+")
    return SYSTEM_NAMES.get(system, system) + plus + rag.replace("rag", "RAG")


def figure(metric: str, value: float) -> str:
    """Print a figure as the published table does: BLEU 35.6, shares .508."""
    if metric in _ONE_DECIMAL:
        return f"{value:.1f}"
    return f"{value:.3f}".replace("0.", ".", 1)


def with_interval(metric: str, estimate: Estimate) -> str:
    """Print an estimate with the half-width of its interval: 35.6±4.2, .508±.03."""
    if estimate.n == 0:
        return MISSING
    if estimate.low is None or estimate.high is None:
        return figure(metric, estimate.value)
    return with_half_width(metric, estimate.value, (estimate.high - estimate.low) / 2)


def with_half_width(metric: str, value: float, half_width: float | None) -> str:
    """Print a figure and what is behind its "±", where there is one."""
    if half_width is None:
        return figure(metric, value)
    if metric in _ONE_DECIMAL:
        return f"{figure(metric, value)}±{half_width:.{0 if half_width >= 9.95 else 1}f}"
    return figure(metric, value) + f"±{half_width:.2f}".replace("0.", ".", 1)


def bracketed(metric: str, estimate: Estimate) -> str:
    """Print an estimate with the ends of its interval: 14.2 [8.1, 22.8]."""
    if estimate.low is None or estimate.high is None:
        return figure(metric, estimate.value) if estimate.n else MISSING
    low, high = figure(metric, estimate.low), figure(metric, estimate.high)
    return f"{figure(metric, estimate.value)} [{low}, {high}]"


def share(estimate: Estimate) -> str:
    """Print a share with its interval: .952 [.871, .983]."""
    return bracketed("", estimate)


def signed(metric: str, difference: Estimate) -> str:
    """Print a difference with its sign and interval: +15.1 [+11.0, +19.4]."""
    text = signed_figure(metric, difference.value)
    if difference.low is None or difference.high is None:
        return text
    return f"{text} [{signed_figure(metric, difference.low)}, {signed_figure(metric, difference.high)}]"


def signed_figure(metric: str, value: float) -> str:
    """Print a difference with its sign alone."""
    return ("−" if value < 0 else "+") + figure(metric, abs(value))


def ratio(found: Estimate | None) -> str:
    """Print a ratio with its interval: ×1.54 [1.05, 2.20], or [1.05, ∞] where nothing bounds it."""
    if found is None:
        return MISSING
    if found.low is None:
        return f"×{found.value:.2f}"
    high = "∞" if found.high is None else f"{found.high:.2f}"
    return f"×{found.value:.2f} [{found.low:.2f}, {high}]"


def p_value(p: float | None) -> str:
    """Print a p-value: "< .001" or "= .012"; "–" for none."""
    if p is None:
        return MISSING
    return "< .001" if p < 0.001 else "= " + figure("p", p)
