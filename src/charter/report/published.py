"""The published results: Padhi et al., Value Alignment from Unstructured Text, EMNLP 2024 (arXiv 2408.10392).

Mistral-7B-Instruct-v0.2 was the seed and Mixtral-8x7B-Instruct-v0.1 the teacher. What "c-fine-tuned" is in
detail, who judged, and what the "±" of a win rate means isn't stated there.
"""

from dataclasses import dataclass

from charter.project.metric_names import METRICS


@dataclass(frozen=True)
class PublishedFigure:
    """A figure as printed, with its "±" where there is one."""

    value: float
    plus_minus: float | None


def _row(*figures: float, plus_minus: float) -> dict[str, PublishedFigure]:
    return {
        metric: PublishedFigure(figure, plus_minus if metric == "win_rate" else None)
        for metric, figure in zip(METRICS, figures, strict=True)
    }


PUBLISHED: dict[str, dict[str, dict[str, PublishedFigure]]] = {
    "bcg": {
        "cft+rag": _row(26.067, 0.555, 0.336, 0.409, 0.427, 0.918, 0.524, plus_minus=0.08),
        "sft+rag": _row(32.744, 0.606, 0.434, 0.494, 0.507, 0.929, 0.389, plus_minus=0.10),
        "dpo+rag": _row(32.693, 0.606, 0.434, 0.494, 0.507, 0.929, 0.390, plus_minus=0.10),
        "sft": _row(36.667, 0.628, 0.453, 0.517, 0.536, 0.918, 0.603, plus_minus=0.07),
        "dpo": _row(38.528, 0.633, 0.457, 0.521, 0.540, 0.932, 0.615, plus_minus=0.06),
    },
    "udhr": {
        "cft+rag": _row(22.946, 0.528, 0.311, 0.376, 0.399, 0.911, 0.497, plus_minus=0.05),
        "sft+rag": _row(31.333, 0.604, 0.422, 0.480, 0.502, 0.926, 0.492, plus_minus=0.09),
        "dpo+rag": _row(31.228, 0.604, 0.423, 0.480, 0.502, 0.926, 0.478, plus_minus=0.09),
        "sft": _row(35.554, 0.629, 0.449, 0.508, 0.536, 0.929, 0.649, plus_minus=0.06),
        "dpo": _row(35.689, 0.630, 0.451, 0.509, 0.537, 0.929, 0.640, plus_minus=0.07),
    },
}
"""Corpus, label, metric to figure. Their BCG is a corporate guideline that isn't public; ours is another."""

CAVEATS = (
    "Published: Padhi et al. 2024 (arXiv 2408.10392), with a 7B seed and an 8x7B teacher. Ours differ in "
    "seed, teacher, questions, judge and BERTScore encoder, and the document behind the published bcg isn't "
    "public. Absolute figures aren't comparable; what a system gains over another is.",
    "± is half of the 95 % interval over questions, clustered by chunk; for the published win rates its "
    "meaning isn't stated.",
)
"""What a reader must know before comparing."""
