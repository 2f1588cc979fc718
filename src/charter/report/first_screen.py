"""What a reader sees first of a corpus, in plain words: the verdict, two pictures, examples, the rules."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from charter.evaluation.grouping import grouped
from charter.evaluation.results import Estimate, Evaluation, best_trivial, difference
from charter.evaluation.scored_answers import ScoredAnswer, worst
from charter.project.exam_records import ExamAnswer, ExamDecision
from charter.project.gate import Gate
from charter.project.metric_names import TRIVIAL, system_label
from charter.report.charts import Share, share_plot
from charter.report.claims import direction
from charter.report.coverage_map import MappedChunk
from charter.report.plain_words import plain_name
from charter.report.readiness import MODEL, Verdict, judge_readiness
from charter.report.rules_examined import ExaminedRules, examine_rules

_ANSWERING = ("dpo+rag", "dpo", "sft+rag", "teacher+rag", "cft+rag", "seed+rag")
_DECIDING = ("dpo", "sft", "seed+rag", "seed")
_TRIVIAL_SHOWN = 2
_EXAMPLES = 3
_SHOWN = 2
_COIN = 0.5
_FROM_MEMORY = " from memory"
_MODEL_WITH_RAG = system_label(MODEL, rag=True)


@dataclass(frozen=True)
class Picture:
    """A picture of shares; ``notes`` are the sentences under it."""

    title: str
    chart: Markup
    notes: Sequence[str]


@dataclass(frozen=True)
class FirstScreen:
    """The first screen of a corpus; without an exam it has neither pictures nor examples.

    ``kept`` and ``broken`` are decisions of the aligned model, the clearest first. The exam's text stays
    sealed: section and outcome may be shown, and no more. ``nearest`` and ``farthest`` are its answers to
    questions that the teacher wrote and training didn't have, most and least like the reference first.
    """

    verdict: Verdict
    pictures: Sequence[Picture]
    kept: Sequence[ExamDecision]
    broken: Sequence[ExamDecision]
    nearest: Sequence[ScoredAnswer]
    farthest: Sequence[ScoredAnswer]
    rules: ExaminedRules


def first_screen(
    evaluation: Evaluation,
    answers: Sequence[ExamAnswer],
    decisions: Sequence[ExamDecision],
    chunks: Sequence[MappedChunk],
    gates: Sequence[Gate],
    written: Sequence[ScoredAnswer],
) -> FirstScreen:
    """Say what a user has to know.

    Answers and decisions, to the exam, are all systems', and so are those to what the teacher wrote
    (``written``); chunks are all of the corpus.
    """
    ordered = worst(written, _MODEL_WITH_RAG, len(written))
    decided = [row for row in decisions if (row.system, row.rag) == (MODEL, False)]
    answered = [row for row in answers if (row.system, row.rag) == (MODEL, True)]
    return FirstScreen(
        verdict=judge_readiness(evaluation, gates),
        pictures=[picture for picture in (_right_answers(evaluation), _values(evaluation)) if picture],
        kept=clearest([row for row in decided if row.margin > 0]),
        broken=clearest([row for row in decided if row.margin < 0]),
        nearest=ordered[_SHOWN:][::-1][:_SHOWN],
        farthest=ordered[:_SHOWN],
        rules=examine_rules(chunks, answered, decided),
    )


def clearest(decisions: Sequence[ExamDecision]) -> list[ExamDecision]:
    """Take the decisions with the greatest margins either way, one a section."""
    ordered = sorted(decisions, key=lambda row: (-abs(row.margin), row.item_id))
    return [rows[0] for rows in grouped(ordered, lambda row: row.section).values()][:_EXAMPLES]


def _right_answers(evaluation: Evaluation) -> Picture | None:
    metric = "right_answers"
    figures = _figures(evaluation, (*_ANSWERING, *TRIVIAL), metric)
    best = best_trivial(evaluation, metric)
    if best is None:
        return None
    models = [label for label in _ANSWERING if label in figures]
    trivial = sorted(
        (label for label in TRIVIAL if label in figures), key=lambda label: -figures[label].value
    )[:_TRIVIAL_SHOWN]
    title = "Right answers to the exam's questions"
    chart = share_plot(
        title,
        [
            Share(_answering_name(label), figures[label], emphasised=label.startswith(MODEL))
            for label in (*models, *trivial)
        ],
        figures[best].value,
        f"the best that needs no model, {plain_name(best)}",
    )
    weak = [label for label in models if not _beats(evaluation, label, best, metric)]
    notes = []
    if weak:
        notes.append(
            f"Not shown to be better than {plain_name(best)}, which needs no model: {_grouped(weak)}."
        )
    if said := evaluation.measured(_MODEL_WITH_RAG, "right_verdicts"):
        notes.append(
            f"Of {said.n} questions of yes or no the aligned model with the document at hand has the right "
            f"word in {said.value * said.n:.0f}, be there a reason or not; tossing a coin has it in "
            f"{said.n / 2:.0f}. Without a word of the reason that is no right answer here."
        )
    return Picture(title, chart, notes)


def _answering_name(label: str) -> str:
    """Name a system that answers questions, which it may do with the document or without it."""
    return plain_name(label) + ("" if "+" in label or label in TRIVIAL else _FROM_MEMORY)


def _grouped(labels: Sequence[str]) -> str:
    """List systems by what they had: "with the document at hand a, b; from memory c"."""
    named = [(plain_name(label.partition("+")[0]), _answering_name(label)) for label in labels]
    groups = grouped(named, lambda names: names[1].removeprefix(names[0]).strip())
    return "; ".join(f"{had} {', '.join(name for name, _ in names)}" for had, names in groups.items())


def _beats(evaluation: Evaluation, label: str, other: str, metric: str) -> bool:
    """Whether a system is better by the paired difference, or, where none was measured, by its interval."""
    found = difference(evaluation, label, other, metric)
    if found is not None:
        return direction(found) > 0
    return _above(evaluation.systems[label][metric], evaluation.systems[other][metric].value)


def _values(evaluation: Evaluation) -> Picture | None:
    figures = _figures(evaluation, _DECIDING, "dilemmas")
    if not figures:
        return None
    title = "Cases decided as the document asks"
    chart = share_plot(
        title,
        [Share(plain_name(label), figures[label], emphasised=label == MODEL) for label in figures],
        _COIN,
        "tossing a coin",
    )
    weak = [plain_name(label) for label, estimate in figures.items() if not _above(estimate, _COIN)]
    notes = [f"Not shown to be better than tossing a coin: {'; '.join(weak)}."] if weak else []
    return Picture(title, chart, notes)


def _figures(evaluation: Evaluation, labels: Sequence[str], metric: str) -> dict[str, Estimate]:
    return {label: estimate for label in labels if (estimate := evaluation.measured(label, metric))}


def _above(estimate: Estimate, value: float) -> bool:
    return estimate.low is not None and estimate.low > value
