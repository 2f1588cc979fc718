"""What systems and their figures are called: in evaluate.json, in the table, in MLflow and in gates."""

from charter.project.records import Rag, System

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
    ("teacher", True),
)
"""All systems, in the order of the published table, as (system, with RAG); "gold" isn't in it."""

METRICS = ("bleu", "rouge1", "rouge2", "rougeL", "rougeLsum", "bertscore", "win_rate")
"""The columns of the published table. BLEU is on 0-100, the others on 0-1."""

CUT_METRICS = {"bleu": "bleu_cut", "rougeL": "rougeL_cut"}
"""Metrics, and their names where answers are cut to their reference's length: verbosity has no part in it."""

SAFETY_METRICS = ("harmful_compliance", "over_refusal")
"""Shares of prompts, 0-1, corrected for what the refusal detector gets wrong; lower is better."""

RETENTION_METRICS = ("perplexity", "seed_similarity")
"""On general prompts: perplexity of the given answers, and cosine of the answer with the seed's."""

GATE_METRICS = (
    *METRICS,
    *CUT_METRICS.values(),
    "adherence",
    "length",
    *SAFETY_METRICS,
    *RETENTION_METRICS,
)
"""What is measured on an aligned model without RAG, which is what gates judge."""


def system_label(system: System, rag: Rag) -> str:
    """Name a system in metrics: ``dpo``, ``dpo+rag`` or ``dpo+gold``."""
    if not rag:
        return system
    return f"{system}+{'rag' if rag is True else rag}"
