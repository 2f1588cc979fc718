"""People compare systems: the page, and what its votes say."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from charter.cli.context import (
    BrowserOption,
    CorpusArgument,
    HostOption,
    JsonOption,
    PortOption,
    open_corpus,
)
from charter.project.errors import CharterError


def compare(
    corpus: CorpusArgument,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8001,
    browser: BrowserOption = True,
) -> None:
    """Open a page to ask systems the same question side by side, and to vote for the best answer.

    The systems are those of the project as it is now, not of the registry: the seed, what is trained over it
    and the teacher, each with retrieval and without. Votes are added to data/votes. CHARTER_SERVE_KEYS has
    the keys that open it, separated by commas.
    """
    from charter.comparing.app import ComparePage
    from charter.comparing.comparisons import Comparisons
    from charter.comparing.stake import Stakes
    from charter.comparing.systems import Systems
    from charter.pages.app import run_page
    from charter.serving.passages import Passages
    from charter.serving.running import Address, listening, read_keys
    from charter.synthesis.rule_decisions import read_rules

    params, paths = open_corpus(corpus)
    address = Address(host, port)
    keys = read_keys(address)
    with listening(address) as places:
        rules = read_rules(paths, ask_grey=True) if paths.rules.exists() else []
        passages = Passages(params, paths)
        stakes = Stakes(rules, passages.chunks, passages.encoder)
        comparisons = Comparisons(Systems(params, paths), passages, stakes, paths.votes)
        page = ComparePage(comparisons, params.corpora[corpus].title, keys, address)
        typer.echo(f"{', '.join(comparisons.systems.candidates)}: http://{host}:{port} (Ctrl-C ends it)")
        run_page(page.app(), address, places, browser=browser)


def votes(
    corpus: CorpusArgument,
    named: Annotated[
        bool, typer.Option("--named", help="Also take votes that were cast with the names in sight.")
    ] = False,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what was preferred as preference pairs.")
    ] = None,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Have the next synthesize train on what was preferred.")
    ] = False,
    mlflow: Annotated[
        bool, typer.Option("--mlflow", help="Send them to MLflow, as assessments of the answers.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say how often each system won on the compare page, and against which.

    Win rates count ties half; their intervals (95 %) are Wilson's, over different questions. With --json: a
    list of {system, against, won, tied, lost, rate, low, high}; against is null for all others together.
    --adopt writes the pairs to data/decisions, but for questions that are near to one of the exam's dev part.
    --mlflow sends what isn't there yet: a trace for each answer, which says whether its voter preferred it.
    """
    from charter.comparing.tally import count_votes, preferred_pairs
    from charter.comparing.votes import read_votes
    from charter.project.storage import write_rows
    from charter.report.formatting import share, system_name

    params, paths = open_corpus(corpus)
    path = paths.votes
    cast, torn = read_votes(path)
    taken = [vote for vote in cast if vote.blind or named]
    if not cast:
        raise CharterError(f"{path}: no votes yet; `charter compare {corpus}` collects them")
    standings = count_votes(taken)
    if as_json:
        rows = [
            vars(row) | {"rate": row.rate.value, "low": row.rate.low, "high": row.rate.high}
            for row in standings
        ]
        typer.echo(json.dumps(rows, indent=1))
    else:
        counts = [Column(name, justify="right") for name in ("won", "tied", "lost", "win rate")]
        table = Table("system", "against", *counts)
        for row in standings:
            against = system_name(row.against) if row.against else "all"
            figures = (*map(str, (row.won, row.tied, row.lost)), share(row.rate))
            table.add_row(system_name(row.system), against, *figures, end_section=row == standings[-1])
        Console(highlight=False, markup=False).print(table)
        voters, questions = ({getattr(vote, name) for vote in taken} for name in ("voter", "question"))
        typer.echo(f"votes: {len(taken)}, people: {len(voters)}, questions: {len(questions)}")
        if len(taken) < len(cast):
            typer.echo(f"{len(cast) - len(taken)} votes weren't blind: --named takes them too")
        if torn:
            typer.echo(f"{torn} lines of {path} are torn and left out")
    if export:
        pairs = preferred_pairs(taken)
        write_rows(export, pairs)
        typer.echo(f"wrote {export}: {len(pairs)} pairs", err=as_json)
    if adopt:
        from charter.comparing.adopting import adopt_votes

        adopted, path = adopt_votes(taken, params, paths), paths.voted_pairs
        near = f"; {len(adopted.near)} ask what the exam asks and are left out" if adopted.near else ""
        typer.echo(
            f"wrote {path}: {len(adopted.pairs)} pairs{near}. Commit it, then `dvc repro`", err=as_json
        )
    if mlflow:
        from charter.registry.assessments import send_votes

        sent = send_votes(paths.root, corpus, params.corpora[corpus].title, taken)
        typer.echo(f"sent {sent} assessments to MLflow; what was there already stays", err=as_json)
