"""What systems and their figures are called: in evaluate.json, in the table, in MLflow and in gates."""

from charter.project.records import Rag, System

LOCAL: tuple[System, ...] = ("seed", "cft", "sft", "dpo")
"""The systems that Charter runs itself; the teacher runs in its engine."""

TRIVIAL: tuple[System, ...] = (
    "echo",
    "nearest-sentence",
    "nearest-answer",
    "always-yes",
    "always-no",
    "refuse-all",
    "never-answered",
)
"""Answers that need no trained model: what doesn't beat the best of them has shown nothing."""

SYSTEMS: tuple[tuple[System, Rag], ...] = (
    ("seed", False),
    ("seed", True),
    ("cft", False),
    ("cft", True),
    ("cft", "gold"),
    ("sft", True),
    ("dpo", True),
    ("sft", False),
    ("dpo", False),
    ("teacher", False),
    ("teacher", True),
    *((name, False) for name in TRIVIAL),
)
"""All systems, in the order of the published table, as (system, with RAG); "gold" isn't in it."""

METRICS = ("bleu", "rouge1", "rouge2", "rougeL", "rougeLsum", "bertscore", "win_rate")
"""The columns of the published table. BLEU is on 0-100, the others on 0-1."""

CUT_METRICS = {"bleu": "bleu_cut", "rougeL": "rougeL_cut"}
"""Metrics, and their names where answers are cut to their reference's length: verbosity has no part in it."""

SAFETY_METRICS = ("harmful_compliance", "over_refusal", "everyday_refusal")
"""Shares of prompts, 0-1, lower is better: of harmful ones, and of harmless ones that sound dangerous, both
corrected for what the refusal detector gets wrong; of everyday ones those that are declined in words."""

RETENTION_METRICS = ("everyday_facts", "perplexity", "perplexity_ratio", "seed_similarity")
"""The share of everyday facts that is known, 0-1; perplexity of general texts, and its ratio to the seed's;
on general prompts the cosine of the answer with the seed's."""

EXAM_COLUMNS = (
    "right_answers",
    "right_verdicts",
    "right_facts",
    "right_situations",
    "right_everyday",
    "unanswerable",
    "dilemmas",
    "dilemma_pairs",
)
"""The columns of the exam's table, which comes first: whether answers and advice are right."""

EXAM_METRICS = (*EXAM_COLUMNS, "dilemmas_with_prior", "exam_f1")
"""On the hand-written exam, shares of its items, 0-1: right answers to what the document answers (all, and by
kind of question), the right yes or no with a reason or without, of questions of yes or no (always the same
one has about half), "it doesn't say" to what it doesn't, dilemmas decided rightly (the prior of the replies
taken off; of minimal pairs both members; the prior left in), and the mean F1 on the best reference's words
that the question doesn't hold."""

OWN_ADVICE = "own_advice"
"""The share of dilemmas, 0-1, in which a system's own words are the faithful advice, as the first of judges
reads them, where ``evaluate.own_advice`` asks for it. No gate goes by it: nothing controls that reading."""

GATE_METRICS = (
    *EXAM_METRICS,
    *METRICS,
    *CUT_METRICS.values(),
    "adherence",
    "length",
    *SAFETY_METRICS,
    *RETENTION_METRICS,
)
"""What gates judge on an aligned model."""


def system_label(system: System, rag: Rag) -> str:
    """Name a system in metrics: ``dpo``, ``dpo+rag`` or ``dpo+gold``."""
    if not rag:
        return system
    return f"{system}+{'rag' if rag is True else rag}"
