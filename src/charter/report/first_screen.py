"""What a reader sees first of a corpus, in plain words: the verdict, two pictures, examples, the rules."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from charter.evaluation.exam_quotes import letters
from charter.evaluation.grouping import grouped
from charter.evaluation.results import Estimate, Evaluation, best_trivial, difference
from charter.evaluation.scored_answers import ScoredAnswer, worst
from charter.project.exam_records import ExamAnswer, ExamDecision
from charter.project.gate import Gate
from charter.project.metric_names import system_label
from charter.report.charts import Share, share_plot
from charter.report.claims import direction
from charter.report.coverage_map import MappedChunk
from charter.report.plain_words import capitalized, plain_name
from charter.report.readiness import MODEL, Verdict, figure_sentence, judge_readiness
from charter.report.rules_examined import ExaminedRules, examine_rules

_ANSWERING = ("dpo+rag", "dpo", "teacher+rag", "cft+rag", "seed+rag")
_DECIDING = ("dpo+rag", "dpo", "cft+rag", "seed+rag")
_SECTIONS = 3
_SHOWN = 2
_COIN = 0.5
_FROM_MEMORY = " from memory"
_MODEL_WITH_RAG = system_label(MODEL, rag=True)
_READ_OUT = "nearest-sentence"
_BESIDE = {0: "isn't shown to be better than", -1: "is worse than"}


@dataclass(frozen=True)
class Picture:
    """A picture of shares; ``notes`` are the sentences under it."""

    title: str
    chart: Markup
    notes: Sequence[str]


@dataclass(frozen=True)
class SectionScore:
    """Of the exam's items on a section, questions and cases, the model has ``right`` of ``asked``."""

    section: str
    right: int
    asked: int

    @property
    def lead(self) -> int:
        """How many more are right than wrong."""
        return 2 * self.right - self.asked


@dataclass(frozen=True)
class FirstScreen:
    """The first screen of a corpus; without an exam it has neither pictures nor sections.

    ``expect`` says what else to expect of the aligned model. ``best`` and ``worst`` are the sections of the
    exam in which more is right than wrong, and less, with the document at hand. The exam's text stays sealed:
    section and outcome may be shown, and no more. ``nearest`` and ``farthest`` are its answers to questions
    that the teacher wrote and training didn't have, most and least like the reference first.
    """

    verdict: Verdict
    expect: Sequence[str]
    pictures: Sequence[Picture]
    best: Sequence[SectionScore]
    worst: Sequence[SectionScore]
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
    decided = [row for row in decisions if (row.system, row.rag) == (MODEL, True)]
    answered = [row for row in answers if (row.system, row.rag) == (MODEL, True)]
    best, worst_sections = best_and_worst(
        [(row.section, row.fault is None) for row in answered]
        + [(row.section, row.margin > 0) for row in decided]
    )
    return FirstScreen(
        verdict=judge_readiness(evaluation, gates),
        expect=[*_told_by_answers(answers), *_expected(evaluation)],
        pictures=[picture for picture in (_right_answers(evaluation), _values(evaluation)) if picture],
        best=best,
        worst=worst_sections,
        nearest=ordered[_SHOWN:][::-1][:_SHOWN],
        farthest=ordered[:_SHOWN],
        rules=examine_rules(chunks, answered, decided),
    )


def best_and_worst(
    items: Sequence[tuple[str, bool]],
) -> tuple[list[SectionScore], list[SectionScore]]:
    """Return the sections with more right than wrong, and with more wrong; by their lead, greatest first.

    Args:
        items: The section of each, and whether it is right.
    """
    scores = [
        SectionScore(section, sum(right for _, right in rows), len(rows))
        for section, rows in grouped(items, lambda item: item[0]).items()
    ]
    right = sorted((score for score in scores if score.lead > 0), key=lambda score: -score.lead)
    wrong = sorted((score for score in scores if score.lead < 0), key=lambda score: score.lead)
    return right[:_SECTIONS], wrong[:_SECTIONS]


def _told_by_answers(answers: Sequence[ExamAnswer]) -> list[str]:
    """Say how the model answers the exam with the document at hand."""
    own = [row for row in answers if (row.system, row.rag) == (MODEL, True)]
    found = {row.item_id: letters(row.answer) for row in answers if row.system == _READ_OUT}
    read_out = sum(letters(row.answer) in found.get(row.item_id, "") for row in own if letters(row.answer))
    polar = [row for row in own if row.polarity is not None]
    right = sum(row.verdict == row.polarity for row in polar)
    neither = sum(row.verdict is None for row in polar)
    open_still = [row for row in own if row.kind == "unanswerable"]
    said = sum(row.fault is None for row in open_still)
    silent = sum(row.fault == "doesn't answer" for row in own)
    told = []
    if read_out:
        told.append(
            f"{read_out} of the exam's {len(own)} questions it answers, with the document at hand, by "
            "reading out the sentence that a search finds, or a part of it, word for word."
        )
    if polar:
        told.append(
            f"{len(polar)} of the questions can be answered by yes or no: it says the right word to {right}, "
            f"the wrong one to {len(polar) - right - neither}, and neither to {neither}."
        )
    if open_still:
        told.append(
            f"The document doesn't answer {len(open_still)} of the questions. It says so to {said} of them, "
            f"and answers the other {len(open_still) - said} as if it knew."
        )
    if silent:
        told.append(
            f"To {silent} of the {len(own) - len(open_still)} that the document does answer it says that it "
            "doesn't."
        )
    return told


def _expected(evaluation: Evaluation) -> list[str]:
    """Say what else a user meets with, whatever the gates ask for."""
    sentences = (
        figure_sentence(evaluation, MODEL, "harmful_compliance", "seed"),
        figure_sentence(evaluation, MODEL, "everyday_refusal", "seed"),
    )
    return [sentence for sentence in sentences if sentence]


def _right_answers(evaluation: Evaluation) -> Picture | None:
    metric = "right_answers"
    figures = _figures(evaluation, _ANSWERING, metric)
    best = best_trivial(evaluation, metric)
    if best is None:
        return None
    mark = evaluation.systems[best][metric]
    title = "Right answers to the exam's questions"
    rows = [
        Share(_had(label), estimate, emphasised=label.startswith(MODEL))
        for label, estimate in figures.items()
    ]
    chart = share_plot(
        title,
        [*rows, Share(plain_name(best), mark, emphasised=False)],
        mark.value,
        f"{plain_name(best)}, the best that needs no model",
    )
    notes = [
        f"{capitalized(_had(label))} {_BESIDE[side]} {plain_name(best)}."
        for label in figures
        if label.startswith(MODEL) and (side := _side(evaluation, label, best, metric)) < 1
    ]
    return Picture(title, chart, notes)


def _had(label: str) -> str:
    """Name a system that may have the document at hand or not."""
    return plain_name(label) + ("" if "+" in label else _FROM_MEMORY)


def _side(evaluation: Evaluation, label: str, other: str, metric: str) -> int:
    """Return 1 where a system is better by the paired difference, -1 where worse, 0 where neither is shown.

    Where no difference was measured it goes by the system's interval.
    """
    found = difference(evaluation, label, other, metric)
    if found is not None:
        return direction(found)
    own, mark = evaluation.systems[label][metric], evaluation.systems[other][metric].value
    return int(_above(own, mark)) - int(own.high is not None and own.high < mark)


def _values(evaluation: Evaluation) -> Picture | None:
    figures = _figures(evaluation, _DECIDING, "dilemmas")
    if not figures:
        return None
    title = "Cases decided as the document asks"
    chart = share_plot(
        title,
        [
            Share(_had(label), estimate, emphasised=label.startswith(MODEL))
            for label, estimate in figures.items()
        ],
        _COIN,
        "tossing a coin",
    )
    notes = [
        f"{capitalized(_had(label))} isn't shown to be better than tossing a coin."
        for label, estimate in figures.items()
        if label.startswith(MODEL) and not _above(estimate, _COIN)
    ]
    return Picture(title, chart, notes)


def _figures(evaluation: Evaluation, labels: Sequence[str], metric: str) -> dict[str, Estimate]:
    return {label: estimate for label in labels if (estimate := evaluation.measured(label, metric))}


def _above(estimate: Estimate, value: float) -> bool:
    return estimate.low is not None and estimate.low > value
