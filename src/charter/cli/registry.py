"""MLflow: mirroring states, the UI, and which model is champion."""

import json
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table
from typer import BadParameter

from charter.cli.context import (
    CorpusArgument,
    EvaluatedArgument,
    JsonOption,
    SystemOption,
    evaluated,
    open_corpus,
    open_evaluated,
    open_project,
)
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import ProjectPaths


def publish(corpora: EvaluatedArgument = None) -> None:
    """Mirror what the files say into MLflow; what is there already isn't written again.

    evaluate does this when it runs. A state that DVC restored from its cache needs this command, and so does
    one that MLflow's server was down for. Exit code 1 if a corpus couldn't be published.
    """
    if not publish_states(*open_evaluated(corpora)):
        raise typer.Exit(1)


def ui(port: Annotated[int, typer.Option(help="Where to listen, on this machine only.")] = 5000) -> None:
    """Open the MLflow UI over this project's runs and models."""
    from charter.registry.store import ui_command

    params, paths = open_project()
    command = ui_command(paths.root, port)
    publish_states(params, paths, evaluated(params, paths))
    typer.echo(f"MLflow UI: http://127.0.0.1:{port} (Ctrl-C ends it)")
    os.execv(command[0], command)  # noqa: S606  the command is ours


def promote(
    corpus: CorpusArgument,
    system: SystemOption = "dpo",
    version: Annotated[int | None, typer.Option(min=1, help="Judge this, not the candidate.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Promote it although conditions fail.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why, with --force: it is recorded.")] = None,
) -> None:
    """Make a corpus's candidate champion if the gates of params.yaml hold, and its lineage is complete.

    Each condition is printed; exit code 1 if one fails, with --dry-run too. --force overrides all of them
    but one: that the model's bytes are those evaluated. Who decided what is in `charter history`.
    """
    from charter.registry import promotion as registry

    if force and not (reason or "").strip():
        raise BadParameter("--force needs a --reason, which is recorded")
    if reason is not None and not force:
        raise BadParameter("--reason goes with --force")
    params, paths = open_corpus(corpus)
    decision = registry.promote(
        paths.root, corpus, params.gates, system, number=version, reason=reason, dry_run=dry_run
    )
    for condition in decision.conditions:
        word = typer.style("pass", "green") if condition.passed else typer.style("FAIL", "red")
        typer.echo(f"{word} {condition.text}")
    subject = f"{decision.model} version {decision.version}"
    failed = f"{len(decision.failed)} of {len(decision.conditions)} conditions don't hold"
    if decision.action == "refused":
        raise CharterError(f"{subject} {'would not be' if dry_run else 'is not'} promoted: {failed}")
    forced = f" by force: {failed}" if decision.action == "forced" else ""
    typer.echo(f"{subject} {'would be' if dry_run else 'is'} champion{forced}")


def rollback(corpus: CorpusArgument, system: SystemOption = "dpo") -> None:
    """Make the version that was champion before the present one champion again."""
    from charter.registry import promotion as registry

    _, paths = open_corpus(corpus)
    decision = registry.rollback(paths.root, corpus, system)
    typer.echo(
        f"{decision.model} version {decision.version} is champion again; version {decision.previous} was"
    )


def history(corpus: CorpusArgument, system: SystemOption = "dpo", as_json: JsonOption = False) -> None:
    """Print who made which version champion, refused it or went back to it, when and why; newest last.

    With --json: a list of {model, version, action, previous, who, when, reason, conditions}; action is
    promoted, forced, refused or "rolled back".
    """
    from charter.registry import promotion as registry

    _, paths = open_corpus(corpus)
    decisions = registry.history(paths.root, corpus, system)
    if as_json:
        typer.echo(json.dumps([decision.model_dump() for decision in decisions], indent=1))
        return
    table = Table(Column("when (UTC)", no_wrap=True), "version", "decision", "instead of", "who", "why")
    for item in decisions:
        when, why = item.when[:16].replace("T", " "), "\n".join(filter(None, (item.reason, *item.failed)))
        table.add_row(when, str(item.version), item.action, str(item.previous or ""), item.who, why)
    Console(markup=False).print(table)


def publish_states(params: Params, paths: ProjectPaths, corpora: Sequence[str]) -> bool:
    """Mirror the states of corpora, and say what is in MLflow now; return whether all of them are.

    It never raises: files are the truth, and a run of hours must not fail over its mirror.
    """
    from charter.registry.publishing import publish as publish_to_mlflow

    complete = True
    for corpus in corpora:
        try:
            publication = publish_to_mlflow(paths.root, params, corpus)
        except Exception as error:
            complete = False
            reason = str(error) if isinstance(error, CharterError) else repr(error)
            sys.stderr.write(
                f"charter: warning: {corpus} is not published: {reason}\n"
                f"charter: `charter publish {corpus}` does it when that is mended\n"
            )
            continue
        state = "new" if publication.created else "there already"
        versions = ", ".join(f"{name} version {number}" for name, number in publication.versions.items())
        sys.stderr.write(f"MLflow {publication.experiment}: run {publication.run_id} ({state}); {versions}\n")
    return complete
