"""Before and after the teacher is asked: what it will cost, the way of each row, and a document's rules."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from charter.cli.context import CorpusArgument, JsonOption, open_corpus, open_project
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.sections import Prices

if TYPE_CHECKING:
    from charter.synthesis.estimate import Trial
    from charter.synthesis.steps import Step

ChunksOption = Annotated[int, typer.Option(min=1, help="Try it on so many passages, taken evenly.")]
HtmlOption = Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page to read as well.")]


def estimate(
    corpora: Annotated[list[str] | None, typer.Argument(help="Which; all of params.yaml.")] = None,
    chunks: ChunksOption = 3,
    as_json: JsonOption = False,
) -> None:
    """Say what synthesize will ask of the teacher: requests, tokens, time, and cost by budget.prices.

    Runs the whole of synthesis on a few passages, whose answers are kept, and scales what it asked to the
    document. Evaluation's requests aren't counted. With --json: a list of {corpus, purposes, minutes, cost,
    unit}.
    """
    params, paths = open_project(*corpora or ())
    trials = {name: _try(params, paths.corpus(name), chunks) for name in corpora or params.corpora}
    prices = params.budget.prices
    if not as_json:
        for name, trial in trials.items():
            _print_estimate(name, trial, prices)
        return
    rows = [
        {
            "corpus": name,
            "purposes": {purpose: asdict(work) for purpose, work in trial.whole.items()},
            "minutes": trial.minutes,
            "cost": prices and trial.cost(prices),
            "unit": prices and prices.unit,
        }
        for name, trial in trials.items()
    ]
    typer.echo(json.dumps(rows, indent=1))


def preview(corpus: CorpusArgument, chunks: ChunksOption = 3, html: HtmlOption = None) -> None:
    """Run the whole of synthesis on a few passages, and show the way of each row.

    Each passage is printed with what was kept of it and what was refused, by which filter and why; behind it
    what the whole document would take. The answers are kept: a run doesn't ask for them again.
    """
    from charter.project.storage import write_text
    from charter.report.preview import preview_rows
    from charter.report.rendering import render

    params, paths = open_corpus(corpus)
    trial = _try(params, paths, chunks, traced=True)
    found = preview_rows(trial.rows)
    console = Console(highlight=False, markup=False)
    for item in found:
        console.rule(" > ".join(item.chunk.headings), align="left")
        console.print(item.chunk.text, style="dim")
        for row in item.rows:
            outcome = f"{row.kind}: {row.outcome}" + (f" ({row.scores})" if row.scores else "")
            console.print(f"\n{outcome}", style="green" if row.kept else "red")
            for name, text in row.texts:
                console.print(f"{name + ':':<12}{text}", soft_wrap=True)
    _print_estimate(corpus, trial, params.budget.prices)
    if html:
        title = params.corpora[corpus].title
        write_text(html, render("preview.html.jinja", title=title, chunks=found, trial=trial))
        typer.echo(f"wrote {html}")


def filters(
    corpus: CorpusArgument,
    examples: Annotated[int, typer.Option(min=0, help="Show so many refused texts of each filter.")] = 10,
) -> None:
    """Show the way of a row: each step and filter in order, what it does, what it refused in the last run.

    A filter is switched off by its name, in synthesize.without of params.yaml.
    """
    from charter.project.records import Rejected
    from charter.project.storage import read_rows
    from charter.synthesis.choose_method import choose_method
    from charter.synthesis.steps import Filter

    params, paths = open_corpus(corpus)
    without = params.synthesize.without
    rejected = read_rows(paths.rejected, Rejected) if paths.rejected.exists() else []
    console = Console(highlight=False, markup=False)
    for kind, steps in choose_method(params)(params.synthesize).ways().items():
        refused = [row for row in rejected if row.kind == kind]
        if kind == "vote" and not paths.voted_pairs.exists():
            continue
        table = Table("", "filter", "what it does", Column("refused", justify="right"), title=kind)
        counted = {""}
        for number, step in enumerate(steps, start=1):
            does = f"{step.summary} {_thresholds(step)}".strip()
            name = step.name if isinstance(step, Filter) else ""
            # A filter that stands twice has one name, and one count of both places.
            count = str(sum(row.filter == name for row in refused)) if name not in counted else ""
            counted.add(name)
            off = " (off)" if name in without else ""
            table.add_row(str(number), name + off, does, count)
        console.print(table)
        for name in dict.fromkeys(row.filter for row in refused):
            for row in [row for row in refused if row.filter == name][:examples]:
                text = " / ".join(row.raw.splitlines())
                console.print(f"{name}: {row.reason}: {text}", soft_wrap=True)


def rules(
    corpus: CorpusArgument,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a spreadsheet to decide in.")
    ] = None,
    html: HtmlOption = None,
    take: Annotated[Path | None, typer.Option(metavar="FILE", help="Take the decisions of a sheet.")] = None,
) -> None:
    """Print what a document demands, rule by rule, and have people decide on it.

    Who answers for the document fills in the spreadsheet's column decision: accept, edit (with the new
    wording in new_statement) or strike; note says why. --take reads the decisions into data/decisions, which
    git keeps and every later run honours.
    """
    from charter.project.records import Chunk, Rule
    from charter.project.storage import read_rows, write_rows, write_text
    from charter.report.rendering import render
    from charter.report.rule_sheet import read_sheet, write_sheet
    from charter.synthesis.rule_decisions import read_rule_decisions

    params, paths = open_corpus(corpus)
    found = read_rows(paths.rules, Rule)
    chunks = {chunk.id: chunk for chunk in read_rows(paths.chunks, Chunk)}
    if any(rule.chunk_id not in chunks for rule in found):
        raise CharterError(
            f"{paths.rules}: has rules of passages that {paths.chunks} hasn't any more; run "
            f"`dvc repro rules@{corpus}`"
        )
    if take:
        write_rows(paths.decisions, read_sheet(take, found))
    decisions = {decision.rule_id: decision for decision in read_rule_decisions(paths)}
    table = Table("id", "modality", "rule", "where", "grey", "decision")
    for rule in found:
        decision = decisions.get(rule.id)
        decided = decision.decision if decision else ""
        where = " > ".join(chunks[rule.chunk_id].headings)
        table.add_row(rule.id, rule.modality, rule.statement, where, rule.grey or "", decided)
    Console(highlight=False, markup=False).print(table)
    known = sum(rule.id in decisions for rule in found)
    typer.echo(
        f"{len(found)} rules, {known} of them decided; {len(decisions)} decisions in {paths.decisions}"
    )
    if csv:
        write_sheet(csv, found, chunks, decisions)
        typer.echo(f"wrote {csv}")
    if html:
        title = params.corpora[corpus].title
        page = render("rules.html.jinja", title=title, rules=found, chunks=chunks, decisions=decisions)
        write_text(html, page)
        typer.echo(f"wrote {html}")


def _thresholds(step: "Step") -> str:
    """Return the numbers that a step was made with, by their names."""
    from charter.synthesis.duplicates import Likeness

    values = dict(vars(step))
    if isinstance(likeness := values.get("likeness"), Likeness):
        values |= vars(likeness)
    numbers = {name: value for name, value in values.items() if isinstance(value, int | float)}
    named = ", ".join(f"{name.replace('_', ' ')} {number:g}" for name, number in numbers.items())
    return f"({named})" if named else ""


def _try(params: Params, paths: CorpusPaths, chunks: int, traced: bool = False) -> "Trial":
    from charter.generation.teacher import open_teacher
    from charter.registry.traces import open_traces
    from charter.synthesis.choose_method import choose_method
    from charter.synthesis.context import open_context
    from charter.synthesis.estimate import try_synthesis
    from charter.synthesis.rule_decisions import read_rules

    corpus = paths.name
    if not paths.chunks.exists():
        raise CharterError(f"{paths.chunks}: no chunks yet; run `dvc repro extract@{corpus}` first")
    listed = paths.rules.exists()
    rules = read_rules(paths, params.synthesize.ask_grey) if listed else []
    with open_teacher(params, paths) as teacher:
        if traced and (traces := open_traces(paths.root, corpus, params.corpora[corpus].title)):
            traces.watch(teacher, params.base_models.teacher.name)
        context = open_context(params, paths, teacher, rules)
        return try_synthesis(context, choose_method(params), chunks, list_rules=not listed)


def _print_estimate(corpus: str, trial: "Trial", prices: Prices | None) -> None:
    columns = ("requests", "prompt tokens", "generated")
    table = Table("purpose", *(Column(name, justify="right") for name in columns))
    for purpose, work in trial.whole.items():
        table.add_row(purpose, *(f"{figure:,}" for figure in vars(work).values()))
    minutes = (
        "not known, the journal had the answers" if trial.minutes is None else f"{trial.minutes:.3g} minutes"
    )
    cost = f"{trial.cost(prices):.3g} {prices.unit}" if prices else "set budget.prices"
    note = (
        f"The whole document, from an empty journal, as {trial.chunks} of {trial.of} passages say: some "
        f"{trial.training_rows} questions to train on.\nTime: {minutes}. Cost: {cost}.\n"
    )
    Console(highlight=False, markup=False).print(f"synthesize@{corpus}", table, note, sep="\n")
