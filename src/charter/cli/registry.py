"""MLflow: mirroring states, the UI, and which model is champion."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Literal

import typer

from charter.cli.context import CorpusArgument, EvaluatedArgument, Project, open_evaluated, open_project
from charter.project.errors import CharterError

SystemOption = Annotated[
    Literal["sft", "dpo"],
    typer.Option("--system", help="Which of its models: sft, or dpo (SFT+DPO). Each has its own champion."),
]


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

    project = open_project()
    command = ui_command(project.root, port)
    publish_states(project, project.evaluated())
    typer.echo(f"MLflow UI: http://127.0.0.1:{port} (Ctrl-C ends it)")
    os.execv(command[0], command)  # noqa: S606  the command is ours


def promote(corpus: CorpusArgument, system: SystemOption = "dpo") -> None:
    """Make a corpus's candidate the champion if every gate of params.yaml holds; else exit code 1."""
    from charter.registry import promotion as registry

    project = open_project(corpus)
    promotion = registry.promote(project.root, corpus, project.params.gates, system)
    for gate in promotion.gates:
        word = typer.style("pass", "green") if gate.passed else typer.style("FAIL", "red")
        typer.echo(f"{word} {gate.text}")
    if not promotion.promoted:
        failed = sum(not gate.passed for gate in promotion.gates)
        raise CharterError(
            f"{promotion.model} version {promotion.version} is not promoted: {failed} gates don't hold"
        )
    typer.echo(f"{promotion.model} version {promotion.version} is champion")


def rollback(corpus: CorpusArgument, system: SystemOption = "dpo") -> None:
    """Make the version that was champion before the present one champion again."""
    from charter.registry import promotion as registry

    project = open_project(corpus)
    outcome = registry.rollback(project.root, corpus, system)
    typer.echo(
        f"{outcome.model} version {outcome.version} is champion again; version {outcome.withdrawn} was"
    )


def publish_states(project: Project, corpora: Sequence[str]) -> bool:
    """Mirror the states of corpora, and say what is in MLflow now; return whether all of them are.

    It never raises: files are the truth, and a run of hours must not fail over its mirror.
    """
    from charter.registry.publishing import publish as publish_to_mlflow

    complete = True
    for corpus in corpora:
        try:
            publication = publish_to_mlflow(project.root, project.params, corpus)
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
