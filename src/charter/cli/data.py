"""The synthetic data: what it will cost, what has changed in it, and taking it elsewhere."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from charter.cli.context import JsonOption, open_project


def estimate(
    corpora: Annotated[list[str] | None, typer.Argument(help="Which; all of params.yaml.")] = None,
    measure: Annotated[
        bool,
        typer.Option(
            "--calibrate/--no-calibrate",
            help="Time some 30 requests, whose answers are kept; without, no time is given.",
        ),
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Say what synthesize will ask of the teacher: requests, tokens, time, and cost by budget.prices.

    Counts what a run asks from an empty journal, about the chunks that extract made. How much passes the
    filters is taken from the corpus's last run, or from defaults; the output says which. Evaluation's
    requests aren't counted. With --json: a list of {corpus, purposes, certain, known, shares_from, minutes,
    cost, unit}.
    """
    from charter.synthesis.estimate import estimate_synthesis, measure_speed

    project = open_project(*corpora or ())
    chosen = [project.paths.corpus(name) for name in corpora or project.params.corpora]
    speed = measure_speed(project.params, chosen) if measure else None
    found = [estimate_synthesis(project.params, paths, speed) for paths in chosen]
    if as_json:
        typer.echo(json.dumps([asdict(item) for item in found], indent=1))
        return
    for item in found:
        columns = ("requests", "prompt tokens", "new", "generated")
        table = Table("purpose", *(Column(name, justify="right") for name in columns))
        for purpose, work in item.purposes.items():
            table.add_row(purpose, *(f"{figure:,}" for figure in vars(work).values()))
        minutes = "not known" if item.minutes is None else f"{item.minutes:.3g} minutes, as measured now"
        cost = "set budget.prices" if item.cost is None else f"{item.cost:.3g} {item.unit}"
        note = (
            f"Time: {minutes}. Cost: {cost}. How much passes the filters is taken from {item.shares_from}.\n"
            f"The journal answers {item.known} of the {item.certain} requests that follow from no other; "
            "the rest isn't looked up.\nNew: prompt tokens behind a passage that was read before.\n"
        )
        Console(highlight=False).print(f"synthesize@{item.corpus}", table, note, sep="\n")


def diff(
    corpora: Annotated[list[str] | None, typer.Argument(help="Which; all that are extracted.")] = None,
    rev: Annotated[str, typer.Option(help="The git revision to compare with.")] = "HEAD",
    as_json: JsonOption = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 1 if anything differs.")] = False,
) -> None:
    """Say what has changed in chunks and data since a git revision, section by section.

    With --json: a list of {corpus, kind, change, document, headings, before, after, split_before,
    split_after}.
    """
    from charter.project.differences import describe, find_differences, summarize
    from charter.project.revisions import read_present, read_revision

    project = open_project(*corpora or ())
    rows = []
    for corpus in corpora or [
        name for name in project.params.corpora if project.paths.corpus(name).chunks.exists()
    ]:
        paths = project.paths.corpus(corpus)
        found = find_differences(read_revision(paths, rev), read_present(paths))
        rows += [{"corpus": corpus, **asdict(item)} for item in found]
        if not as_json:
            text = f"{summarize(found)}\n{describe(found)}" if found else "no difference"
            typer.echo(f"{corpus} since {rev}: {text}")
    if as_json:
        typer.echo(json.dumps(rows, indent=1, ensure_ascii=False))
    if exit_code and rows:
        raise typer.Exit(1)


def export(
    to: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write; it is made if need be.")],
    corpora: Annotated[list[str] | None, typer.Argument(help="Which; all that have data.")] = None,
) -> None:
    """Write the synthetic data as Hugging Face data sets: Parquet, and a card that tells how it was made.

    Each corpus has two, in trl's format: load_dataset(DIR, "udhr-instruct") has prompt and completion,
    load_dataset(DIR, "udhr-preference") prompt, chosen and rejected; both have what each row was written
    from. An earlier export in DIR is replaced. Nothing is uploaded: `hf upload` takes DIR as it is.
    """
    from charter.report.dataset_export import export_data

    project = open_project(*corpora or ())
    exported = export_data(project.root, project.params, corpora, to)
    for name, splits in exported.rows.items():
        typer.echo(f"{name}: {', '.join(f'{split} {rows}' for split, rows in splits.items())}")
    typer.echo(f"wrote {exported.folder}; its README.md is the data card")
