"""The results table, for the terminal and for Markdown, in the published order beside the published rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from charter.evaluation.results import (
    BASELINE,
    MARGIN_METRICS,
    UPPER_BOUND,
    Comparison,
    Estimate,
    Evaluation,
)
from charter.project.metric_names import (
    EXAM_COLUMNS,
    METRICS,
    OWN_ADVICE,
    RETENTION_METRICS,
    SAFETY_METRICS,
    SYSTEMS,
    system_label,
)
from charter.report.claims import direction, margins, safety_claims, stricter_margins
from charter.report.formatting import (
    METRIC_NAMES,
    MISSING,
    bracketed,
    p_value,
    ratio,
    signed,
    signed_figure,
    system_name,
    with_half_width,
    with_interval,
)
from charter.report.judges import judges_sentence, win_rate_cell, win_rate_columns, win_rate_rows
from charter.report.published import CAVEATS, PUBLISHED
from charter.report.rendering import render
from charter.report.sentences import (
    GOLD,
    REACHED,
    claim_sentence,
    detector_sentence,
    exam_sentence,
    language_sentence,
    smallest_sentence,
)

MARGIN_COLUMNS = ("system", "metric", "ratio [95 %]", "asked", "diff.", "Holm p", "margin")
"""Of a margin over c-fine-tuned+RAG. Asked is the published ratio; `Margin` says what is reached."""

_REACHED = {"yes": "reached", "no": "NOT reached", "not shown": "not shown"}

PROBE_COLUMNS = ("measure", "system", "figure [95 %]", "− seed [95 %]", "Holm p")
"""Of safety and retention: a row a measure and system."""

_EXAM = (*EXAM_COLUMNS, OWN_ADVICE)
_DILEMMAS = ("dilemmas", "dilemma_pairs", OWN_ADVICE)
_QUESTIONS = tuple(metric for metric in EXAM_COLUMNS if metric not in _DILEMMAS)

LABELS = [system_label(*system) for system in SYSTEMS]


@dataclass(frozen=True)
class _Part:
    """A smaller table below the results of a corpus, and what is said of it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str


def cell(evaluation: Evaluation, label: str, metric: str) -> str:
    """Print what a system has in a metric; a win rate only if the judge passed its controls."""
    if metric == "win_rate":
        return win_rate_cell(evaluation, label)
    estimate = evaluation.measured(label, metric)
    return MISSING if estimate is None else with_interval(metric, estimate)


def published_cell(corpus: str, label: str, metric: str) -> str:
    """Print the published figure of a system, nothing where there is none."""
    published = PUBLISHED.get(corpus, {}).get(label, {}).get(metric)
    return "" if published is None else with_half_width(metric, published.value, published.plus_minus)


def margin_rows(evaluation: Evaluation) -> list[tuple[str, ...]]:
    """Print the margins under MARGIN_COLUMNS, then what is left of them on stricter terms."""
    return [
        (
            system_name(margin.row.system),
            METRIC_NAMES[margin.row.metric] + (", over gold" if margin.row.against == UPPER_BOUND else ""),
            ratio(margin.row.ratio),
            MISSING if margin.published_ratio is None else f"×{margin.published_ratio:.2f}",
            signed_figure(margin.row.metric, margin.row.difference.value),
            p_value(margin.row.p_holm).removeprefix("= "),
            MISSING if margin.reached is None else _REACHED[margin.reached],
        )
        for margin in (*margins(evaluation), *stricter_margins(evaluation))
    ]


def margin_note(evaluation: Evaluation) -> str:
    """Say how the margins are to be read, and which differences are too small to be found."""
    return " ".join(filter(None, (REACHED, GOLD, smallest_sentence(evaluation, MARGIN_METRICS))))


def inconclusive(row: Comparison) -> bool:
    """Say whether the interval of a difference holds 0, or there is none: such are printed in grey."""
    return direction(row.difference) == 0


def probe_rows(evaluation: Evaluation) -> list[tuple[str, ...]]:
    """Print safety and retention under PROBE_COLUMNS; nothing where they weren't measured."""
    rows: list[tuple[str, ...]] = []
    for metric in (*SAFETY_METRICS, *RETENTION_METRICS):
        for label, measured in evaluation.systems.items():
            if metric in measured:
                row = evaluation.compared.get((label, "seed", metric))
                difference = signed(metric, row.difference) if row else MISSING
                p = p_value(row.p_holm).removeprefix("= ") if row else MISSING
                value = bracketed(metric, measured[metric])
                rows.append((METRIC_NAMES[metric], system_name(label), value, difference, p))
    return rows


def results_table(evaluations: Sequence[Evaluation]) -> RenderableType:
    """Return what `charter results` prints, 80 columns wide.

    For each corpus: the exam, if there is one, the table, the judges, the margins, and safety and retention.
    """
    shown: list[RenderableType] = []
    for evaluation in evaluations:
        notes = filter(None, (language_sentence(evaluation), judges_sentence(evaluation)))
        if exam_rows(evaluation.systems):
            note = Text(exam_sentence(evaluation), style="dim")
            shown += [exam_table(f"{evaluation.corpus}: the exam", evaluation.systems), note, Text()]
        shown += [_corpus_table(evaluation), *(Text(note, style="dim") for note in notes), Text()]
        for part in _parts(evaluation):
            table = plain_table(f"{evaluation.corpus}: {part.title}", *part.columns)
            for row in part.rows:
                table.add_row(*row)
            shown += [table, *([Text(part.note, style="dim")] if part.note else []), Text()]
    return Group(*shown, *(Text(caveat, style="dim") for caveat in _caveats(evaluations)))


def _corpus_table(evaluation: Evaluation) -> Table:
    table = plain_table(f"{evaluation.corpus}: {evaluation.title}")
    table.add_column("system", vertical="bottom")
    for metric in METRICS:
        name = METRIC_NAMES[metric].replace("ROUGE", "R").replace("TS", "T\nS").replace(" ", "\n")
        table.add_column(name, justify="right", vertical="bottom")
    for label in filter(evaluation.systems.get, LABELS):
        table.add_row(system_name(label), *(cell(evaluation, label, metric) for metric in METRICS))
        if published := _published_cells(evaluation, label):
            table.add_row("  published", *published, style="dim")
    return table


def exam_table(title: str, systems: Mapping[str, Mapping[str, Estimate]]) -> RenderableType:
    """Return the table of the exam, a row a system that sat it: questions, and below them dilemmas."""
    parts = []
    for name, columns in ((title, _QUESTIONS), ("", _DILEMMAS)):
        table = plain_table(name)
        first, *metrics = exam_headings(systems, columns)
        table.add_column(first, vertical="bottom")
        for heading in metrics:
            table.add_column(heading.replace(" ", "\n"), justify="right", vertical="bottom")
        for cells in exam_rows(systems, columns):
            table.add_row(*cells)
        if table.row_count:
            parts.append(table)
    return Group(*parts)


def exam_headings(
    systems: Mapping[str, Mapping[str, Estimate]], columns: Sequence[str] = _EXAM
) -> tuple[str, ...]:
    """Name the columns of `exam_rows`: those of the exam in which any system was measured."""
    return "system", *(METRIC_NAMES[metric] for metric in _measured(systems, columns))


def exam_rows(
    systems: Mapping[str, Mapping[str, Estimate]], columns: Sequence[str] = _EXAM
) -> list[tuple[str, ...]]:
    """Print the row of each system that sat the exam; nothing where the corpus has none."""
    shown = _measured(systems, columns)
    return [
        (
            system_name(label),
            *(with_interval(metric, figures[metric]) if metric in figures else MISSING for metric in shown),
        )
        for label in LABELS
        if not (figures := systems.get(label, {})).keys().isdisjoint(shown)
    ]


def _measured(systems: Mapping[str, Mapping[str, Estimate]], columns: Sequence[str]) -> list[str]:
    return [metric for metric in columns if any(metric in figures for figures in systems.values())]


def plain_table(title: str, *columns: str) -> Table:
    """Return an empty table as all of them look."""
    return Table(
        *columns,
        title=title or None,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=0,
    )


def result_rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Flatten to {corpus, system, rag, metric, value, low, high, n}, the stable form of `results --json`.

    ``rag`` is true, false, or "gold". The judge's validity stands beside every win rate, as metric
    ``judge_validity`` of that system; of a further judge both are metrics with its name, as
    ``win_rate:NAME``.
    """
    rows = []
    for system, rag in SYSTEMS:
        measured = dict(evaluation.systems.get(system_label(system, rag), {}))
        if "win_rate" in measured:
            measured["judge_validity"] = evaluation.judge.shuffled
        for name, judge in evaluation.further_judges.items():
            if (label := system_label(system, rag)) in judge.estimates:
                measured[f"win_rate:{name}"] = judge.estimates[label]
                measured[f"judge_validity:{name}"] = judge.validity.shuffled
        rows += [
            {"corpus": evaluation.corpus, "system": system, "rag": rag, "metric": metric}
            | estimate.model_dump()
            for metric, estimate in measured.items()
        ]
    return rows


def results_markdown(evaluations: Sequence[Evaluation]) -> str:
    """Return the same as Markdown, for a README."""
    return render(
        "results.md.jinja",
        evaluations=evaluations,
        caveats=_caveats(evaluations),
        systems=SYSTEMS,
        system_label=system_label,
        cell=cell,
        published_cells=_published_cells,
        judges_sentence=judges_sentence,
        language_sentence=language_sentence,
        parts=_parts,
        exam_headings=exam_headings,
        exam_rows=exam_rows,
        exam_sentence=exam_sentence,
    )


def _published_cells(evaluation: Evaluation, label: str) -> list[str]:
    cells = [published_cell(evaluation.corpus, label, metric) for metric in METRICS]
    return cells if any(cells) else []


def _parts(evaluation: Evaluation) -> Iterator[_Part]:
    over = f"over {system_name(BASELINE)}"
    if columns := win_rate_columns(evaluation):
        yield _Part("win rates by judge", columns, win_rate_rows(evaluation), "")
    yield _Part(over, MARGIN_COLUMNS, margin_rows(evaluation), margin_note(evaluation))
    if evaluation.refusals is not None:
        claims = [claim_sentence(claim) for claim in safety_claims(evaluation)]
        yield _Part(
            "safety and retention, without RAG",
            PROBE_COLUMNS,
            probe_rows(evaluation),
            " ".join([*claims, detector_sentence(evaluation)]),
        )


def _caveats(evaluations: Sequence[Evaluation]) -> Sequence[str]:
    return CAVEATS if any(evaluation.corpus in PUBLISHED for evaluation in evaluations) else ()
