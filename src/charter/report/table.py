"""The results table, for the terminal and for Markdown, in the published order beside the published rows."""

from collections.abc import Iterable, Mapping, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from charter.evaluation.results import BASELINE, UPPER_BOUND, Estimate, Evaluation
from charter.project.metric_names import METRICS, RETENTION_METRICS, SAFETY_METRICS, SYSTEMS, system_label
from charter.report.claims import SafetyClaim, safety_claims
from charter.report.margins import Margin, margins, stricter_margins
from charter.report.published import CAVEATS, PUBLISHED, PublishedFigure

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
    "harmful_compliance": "harmful done",
    "over_refusal": "benign refused",
    "perplexity": "perplexity",
    "seed_similarity": "like the seed's",
}

SYSTEM_NAMES = {"seed": "seed", "cft": "c-fine-tuned", "sft": "SFT", "dpo": "SFT+DPO", "teacher": "teacher"}

MARGIN_COLUMNS = ("system", "metric", "ratio", "published", "difference [95 %]", "margin")
"""Of a margin over c-fine-tuned + RAG; the margin is reached as `charter.report.margins` says."""

PROBE_COLUMNS = ("measure", "system", "figure [95 %]", "− seed [95 %]", "Holm p")
"""Of safety and retention: a row a measure and system."""

GOLD = (
    "+gold: shown the passage that the question was written from, which is the most that retrieval can give. "
    "Cut: answers cut to their reference's length, so that nothing is won or lost by verbosity."
)

_ONE_DECIMAL = ("bleu", "bleu_cut", "perplexity")

_MISSING = "–"
_INVALID = "invalid"


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
        return _MISSING
    text = figure(metric, estimate.value)
    if estimate.low is None or estimate.high is None:
        return text
    return text + _plus_minus(metric, (estimate.high - estimate.low) / 2)


def _plus_minus(metric: str, half_width: float) -> str:
    if metric in _ONE_DECIMAL:
        return f"±{half_width:.{0 if half_width >= 9.95 else 1}f}"
    return f"±{half_width:.2f}".replace("0.", ".", 1)


def cell(evaluation: Evaluation, label: str, metric: str) -> str:
    """Print what a system has in a metric; a win rate only if the judge passed its controls."""
    estimate = evaluation.systems.get(label, {}).get(metric)
    if estimate is None:
        return _MISSING
    if metric == "win_rate" and not evaluation.judge.valid:
        return _INVALID
    return with_interval(metric, estimate)


def judge_sentence(evaluation: Evaluation) -> str:
    """Say who judged, against whom, and how the judge did where the answer is known."""
    judge = evaluation.judge
    teacher = ", which is also the teacher" if judge.is_teacher else ""
    verdict = "Judge" if judge.valid else "Judge not valid (no win rate is shown, no gate uses one)"
    opponents = sorted({system_name(row.opponent) for row in evaluation.win_rates.values()})
    return (
        f"{verdict}: {judge.judge}{teacher}; win rates are over {', '.join(opponents) or 'nobody'}. "
        f"It prefers the right reference to another chunk's in {share(judge.shuffled)} and chosen to "
        f"rejected in {share(judge.preference)} of pairs; identical answers: {share(judge.identical)} for "
        f"the first (.5 expected). Orders agree in {judge.consistency:.0%}, the first answer wins "
        f"{judge.first_position:.0%} of verdicts, verdict-token mass {judge.mass:.2f}, "
        f"{judge.unparseable} unparseable."
    )


def share(estimate: Estimate) -> str:
    """Print a share with its interval: .952 [.871, .983]."""
    return _bracketed("", estimate)


def _bracketed(metric: str, estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return figure(metric, estimate.value) if estimate.n else _MISSING
    low, high = figure(metric, estimate.low), figure(metric, estimate.high)
    return f"{figure(metric, estimate.value)} [{low}, {high}]"


def p_value(p: float) -> str:
    """Print a p-value: "< .001" or "= .012"."""
    return "< .001" if p < 0.001 else "= " + figure("p", p)


def probe_rows(evaluation: Evaluation) -> list[tuple[str, str, str, str, str]]:
    """Print safety and retention under PROBE_COLUMNS; nothing where they weren't measured."""
    compared = {(row.system, row.metric): row for row in evaluation.comparisons if row.against == "seed"}
    rows = []
    for metric in (*SAFETY_METRICS, *RETENTION_METRICS):
        for label, figures in evaluation.systems.items():
            if metric in figures:
                row = compared.get((label, metric))
                against = signed(metric, row.difference) if row else _MISSING
                p = p_value(row.p_holm).removeprefix("= ") if row else _MISSING
                rows.append(
                    (
                        METRIC_NAMES[metric],
                        system_name(label),
                        _bracketed(metric, figures[metric]),
                        against,
                        p,
                    )
                )
    return rows


def claim_sentence(claim: SafetyClaim) -> str:
    """Answer whether alignment improved general safety, with the risk differences behind it."""
    return (
        f"Does alignment improve general safety? {system_name(claim.system)}: {claim.improves}. Harmful "
        f"requests done, against the seed: {signed('', claim.compliance.difference)}, p "
        f"{p_value(claim.compliance.p_holm)}; more harmless ones refused: {claim.overrefuses}, "
        f"{signed('', claim.over_refusal.difference)}, p {p_value(claim.over_refusal.p_holm)}."
    )


def detector_sentence(evaluation: Evaluation) -> str:
    """Say how well refusals were told from other responses; empty where safety wasn't measured."""
    found = evaluation.refusals
    if found is None:
        return ""
    return (
        f"Refusals are told from other responses with sensitivity {share(found.sensitivity)} and specificity "
        f"{share(found.specificity)}, out of fold on {found.labels} responses labelled by people (a list of "
        f"phrases alone: {share(found.phrases_sensitivity)} and {share(found.phrases_specificity)}); shares "
        "are corrected for that. A response that doesn't answer counts as refused, as for those people."
    )


def margin_rows(evaluation: Evaluation) -> list[tuple[str, str, str, str, str, str]]:
    """Print the margins under MARGIN_COLUMNS, then what is left of them on stricter terms."""
    return [_margin_cells(margin) for margin in (*margins(evaluation), *stricter_margins(evaluation))]


def _margin_cells(margin: Margin) -> tuple[str, str, str, str, str, str]:
    return (
        system_name(margin.system),
        METRIC_NAMES[margin.metric] + (", over gold" if margin.against == UPPER_BOUND else ""),
        _MISSING if margin.ratio is None else f"×{margin.ratio:.2f}",
        _MISSING if margin.published_ratio is None else f"×{margin.published_ratio:.2f}",
        signed(margin.metric, margin.difference),
        _MISSING if margin.reached is None else "reached" if margin.reached else "NOT reached",
    )


def signed(metric: str, difference: Estimate) -> str:
    """Print a difference with its sign and interval: +15.1 [+11.0, +19.4]."""
    text = signed_figure(metric, difference.value)
    if difference.low is None or difference.high is None:
        return text
    return f"{text} [{signed_figure(metric, difference.low)}, {signed_figure(metric, difference.high)}]"


def signed_figure(metric: str, value: float) -> str:
    """Print a difference with its sign alone."""
    return ("−" if value < 0 else "+") + figure(metric, abs(value))


def results_table(evaluations: Sequence[Evaluation]) -> RenderableType:
    """Return what `charter results` prints, 80 columns wide.

    For each corpus: the table, the judge, the margins, and safety and retention where they were measured.
    """
    parts: list[RenderableType] = []
    for evaluation in evaluations:
        parts += [_corpus_table(evaluation), Text(judge_sentence(evaluation), style="dim"), Text()]
        parts += [_margin_table(evaluation), Text(GOLD, style="dim"), Text()]
        if evaluation.refusals is not None:
            parts += [_probe_table(evaluation), Text(_safety_text(evaluation), style="dim"), Text()]
    if any(evaluation.corpus in PUBLISHED for evaluation in evaluations):
        parts += [Text(caveat, style="dim") for caveat in CAVEATS]
    return Group(*parts)


def _corpus_table(evaluation: Evaluation) -> Table:
    table = Table(
        title=f"{evaluation.corpus}: {evaluation.title}",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=0,
    )
    table.add_column("system", vertical="bottom")
    for metric in METRICS:
        name = METRIC_NAMES[metric].replace("ROUGE", "R").replace("TS", "T\nS").replace(" ", "\n")
        table.add_column(name, justify="right", vertical="bottom")
    for row in SYSTEMS:
        label = system_label(*row)
        cells = [cell(evaluation, label, metric) for metric in METRICS]
        table.add_row(system_name(label), *cells)
        published = PUBLISHED.get(evaluation.corpus, {}).get(label)
        if published:
            table.add_row(
                "  published", *(published_cell(metric, published) for metric in METRICS), style="dim"
            )
    return table


def _margin_table(evaluation: Evaluation) -> Table:
    rows = margin_rows(evaluation)
    return _rows_table(f"{evaluation.corpus}: over {system_name(BASELINE)}", MARGIN_COLUMNS, rows)


def _probe_table(evaluation: Evaluation) -> Table:
    title = f"{evaluation.corpus}: safety and retention, without RAG"
    return _rows_table(title, PROBE_COLUMNS, probe_rows(evaluation))


def _rows_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(
        *columns,
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=0,
    )
    for row in rows:
        table.add_row(*row)
    return table


def _safety_text(evaluation: Evaluation) -> str:
    return " ".join(
        [*(claim_sentence(claim) for claim in safety_claims(evaluation)), detector_sentence(evaluation)]
    )


def results_markdown(evaluations: Sequence[Evaluation]) -> str:
    """Return the same as Markdown, for the README."""
    blocks = []
    for evaluation in evaluations:
        lines = [
            f"**{evaluation.corpus}**: {evaluation.title}",
            "",
            markdown_row(["system", "RAG", *(METRIC_NAMES[metric] for metric in METRICS)]),
            "|---|---|" + "---:|" * len(METRICS),
        ]
        for system, rag in SYSTEMS:
            label = system_label(system, rag)
            cells = [cell(evaluation, label, metric) for metric in METRICS]
            shown = "gold" if rag == "gold" else "yes" if rag else "no"
            lines.append(markdown_row([SYSTEM_NAMES[system], shown, *cells]))
            published = PUBLISHED.get(evaluation.corpus, {}).get(label)
            if published:
                cells = [f"*{published_cell(metric, published)}*" for metric in METRICS]
                lines.append(markdown_row(["*published*", "", *cells]))
        lines += ["", judge_sentence(evaluation)]
        lines += ["", f"Over {system_name(BASELINE)}:", ""]
        lines += [markdown_row(MARGIN_COLUMNS), "|" + "---|" * len(MARGIN_COLUMNS)]
        lines += [*map(markdown_row, margin_rows(evaluation)), "", GOLD]
        if evaluation.refusals is not None:
            lines += ["", "Safety and retention, without RAG:", ""]
            lines += [markdown_row(PROBE_COLUMNS), "|" + "---|" * len(PROBE_COLUMNS)]
            lines += [markdown_row(row) for row in probe_rows(evaluation)]
            lines += ["", _safety_text(evaluation)]
        blocks.append("\n".join(lines))
    if any(evaluation.corpus in PUBLISHED for evaluation in evaluations):
        blocks += CAVEATS
    return "\n\n".join(blocks) + "\n"


def markdown_row(cells: Sequence[str]) -> str:
    """Write a row of a Markdown table."""
    return "| " + " | ".join(cells) + " |"


def published_cell(metric: str, row: Mapping[str, PublishedFigure]) -> str:
    """Print a published figure as the table does."""
    published = row[metric]
    text = figure(metric, published.value)
    if published.plus_minus is None:
        return text
    return text + _plus_minus(metric, published.plus_minus)
