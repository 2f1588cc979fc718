"""The synthetic data: what has changed in it."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from charter.cli.context import JsonOption, open_project


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

    params, paths = open_project(*corpora or ())
    rows = []
    for corpus in corpora or [name for name in params.corpora if paths.corpus(name).chunks.exists()]:
        states = read_revision(paths.corpus(corpus), rev), read_present(paths.corpus(corpus))
        found = find_differences(*states)
        rows += [{"corpus": corpus, **asdict(item)} for item in found]
        if not as_json:
            text = f"{summarize(found)}\n{describe(found)}" if found else "no difference"
            typer.echo(f"{corpus} since {rev}: {text}")
    if as_json:
        typer.echo(json.dumps(rows, indent=1, ensure_ascii=False))
    if exit_code and rows:
        raise typer.Exit(1)
