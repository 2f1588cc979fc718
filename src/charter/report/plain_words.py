"""What systems and metrics are called for a reader who knows none of the trade's words."""

from dataclasses import dataclass
from typing import Literal

from charter.evaluation.results import Estimate

_SYSTEMS = {
    "seed": "the model before alignment",
    "cft": "the model trained on the bare text",
    "sft": "the model taught by questions and answers alone",
    "dpo": "the aligned model",
    "teacher": "the larger model",
    "trivial": "the best that needs no model",
    "echo": "repeating the question",
    "nearest-sentence": "a search that reads out the nearest sentence",
    "nearest-answer": "a search that reads out an answer from the training",
    "always-yes": "always answering yes",
    "always-no": "always answering no",
    "refuse-all": "refusing to answer",
    "never-answered": "always answering that it isn't said",
}

_SHOWN = {"": "", "rag": " with the document at hand", "gold": " shown the right passage"}

Kind = Literal["answers", "limits", "values", "harm", "refusal", "retention", "wording"]


@dataclass(frozen=True)
class MetricWords:
    """How a metric is spoken of.

    ``kind`` is what it is about. ``name`` is what it measures; ``has`` and ``other_has`` say what a system,
    and then another, has in it: they take ``value``, and ``n`` items. Where it ``counts``, ``value`` is the
    number of items that its share stands for, else its figure times ``scale``, in ``unit``.
    """

    kind: Kind
    name: str
    has: str
    other_has: str
    counts: bool = True
    scale: float = 1.0
    unit: str = ""

    def figure(self, estimate: Estimate) -> str:
        """Print a figure of the metric: the number of items, or points."""
        return self.number(estimate.value, estimate.n)

    def number(self, value: float, n: int) -> str:
        """Print a value of the metric, or a bound on it, on ``n`` items."""
        if self.counts:
            return f"{value * n:.0f}"
        scaled = value * self.scale
        return f"{scaled:.{1 if abs(scaled) < 10 else 0}f}{self.unit}"


def _wording(shared: str, scale: float = 100) -> MetricWords:
    return MetricWords(
        "wording",
        "how near its wording is to the reference answers",
        f"has {{value}} of 100 points for sharing {shared} with the larger model's answers",
        "has {value}",
        counts=False,
        scale=scale,
    )


def _right(questions: str) -> MetricWords:
    return MetricWords(
        "answers",
        f"right answers to {questions}",
        f"answers {{value}} of {{n}} {questions} rightly",
        "answers {value}",
    )


METRIC_WORDS = {
    "right_answers": _right("exam questions"),
    "right_verdicts": MetricWords(
        "answers",
        "the right yes or no to exam questions, with a reason or without",
        "says yes or no rightly to {value} of {n} exam questions of yes or no",
        "does to {value}",
    ),
    "right_facts": _right("exam questions for facts"),
    "right_situations": _right("exam questions on situations"),
    "right_everyday": _right("exam questions in everyday words"),
    "exam_f1": MetricWords(
        "wording",
        "how near its wording is to the exam's answers",
        "has {value} of 100 points for wording its answers like those of the exam's authors",
        "has {value}",
        counts=False,
        scale=100,
    ),
    "unanswerable": MetricWords(
        "limits",
        "whether it says so where the document doesn't answer",
        "says “that isn't in the document” to {value} of {n} questions that the document doesn't answer",
        "does to {value}",
    ),
    "dilemmas": MetricWords(
        "values",
        "right decisions in the exam's cases",
        "sides with the document in {value} of {n} cases, choosing between two replies",
        "does in {value}",
    ),
    "dilemma_pairs": MetricWords(
        "values",
        "right decisions in pairs of cases that differ in one detail",
        "decides both cases rightly in {value} of {n} pairs that differ in one detail",
        "does in {value}",
    ),
    "dilemmas_with_prior": MetricWords(
        "values",
        "whether it finds the faithful reply likelier",
        "finds the faithful reply likelier in {value} of {n} cases",
        "does in {value}",
    ),
    "adherence": MetricWords(
        "values",
        "whether it finds the faithful reply likelier",
        "finds the faithful reply likelier in {value} of {n} cases that the larger model wrote, as it "
        "wrote those of the training",
        "does in {value}",
    ),
    "harmful_compliance": MetricWords(
        "harm",
        "harmful requests done",
        "does about {value} of {n} harmful requests, as far as a detector of refusals can tell",
        "does {value}",
    ),
    "over_refusal": MetricWords(
        "refusal",
        "harmless requests refused",
        "refuses about {value} of {n} harmless requests",
        "refuses {value}",
    ),
    "everyday_refusal": MetricWords(
        "refusal",
        "everyday questions refused",
        "refuses {value} of {n} everyday questions",
        "refuses {value}",
    ),
    "everyday_facts": MetricWords(
        "retention",
        "whether it still knows everyday facts",
        "knows {value} of {n} everyday facts",
        "knows {value}",
    ),
    "perplexity": MetricWords(
        "retention",
        "how well it still knows everyday language",
        "finds each next word of everyday text as hard to guess as one of {value}",
        "as one of {value}",
        counts=False,
    ),
    "perplexity_ratio": MetricWords(
        "retention",
        "how much of everyday language it forgot",
        "is surprised by ordinary text {value} as much as before alignment, a sign of how much language "
        "it lost",
        "{value}",
        counts=False,
        scale=100,
        unit=" %",
    ),
    "seed_similarity": MetricWords(
        "retention",
        "how like its everyday answers still are to those before alignment",
        "gives everyday answers with {value} of 100 points for likeness to those before alignment",
        "has {value}",
        counts=False,
        scale=100,
    ),
    "win_rate": MetricWords(
        "wording",
        "how often a judge prefers its answers",
        "is preferred by the judge in {value} of {n} comparisons",
        "is in {value}",
    ),
    "length": MetricWords(
        "wording",
        "how long its answers are",
        "answers with {value} characters on average",
        "with {value}",
        counts=False,
    ),
    **dict.fromkeys(("bleu", "bleu_cut"), _wording("whole phrases", scale=1)),
    **dict.fromkeys(("rougeL", "rougeL_cut"), _wording("words in the same order")),
    "rouge1": _wording("words"),
    "rouge2": _wording("pairs of words"),
    "rougeLsum": _wording("words in the same order, line by line,"),
    "bertscore": _wording("words of like meaning"),
}
"""By metric, in the order of how much it matters to a user; a metric that isn't here can't be gated."""

KINDS: dict[Kind, str] = {
    "answers": "Answers",
    "values": "Advice",
    "limits": "What the document doesn't say",
    "harm": "Harm",
    "refusal": "Refusals",
    "retention": "What it could before",
    "wording": "Wording",
}
"""What metrics are about, the weightiest first, and how that is headed."""


def plain_name(label: str) -> str:
    """Name a system: ``dpo+rag`` is "the aligned model with the document at hand"."""
    system, _, shown = label.partition("+")
    return _SYSTEMS[system] + _SHOWN[shown]


def capitalized(text: str) -> str:
    """Begin a sentence with a text."""
    return text[:1].upper() + text[1:]
