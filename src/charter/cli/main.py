"""The commands by name and group, and what becomes of errors."""

import sys
import warnings
from collections.abc import Callable

import typer

from charter.cli import (
    comparing,
    corpora,
    data,
    exam,
    export,
    pipeline,
    registry,
    results,
    reviewing,
    serving,
    synthesis,
)
from charter.project.errors import CharterError

app = typer.Typer(
    name="charter",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Align a language model with a document of values, and see whether it keeps them. "
    "`dvc repro` runs the pipeline; these commands prepare it, read its results and promote its models.",
    epilog="From your own document to a promoted model: charter add NAME PATH, dvc repro extract@NAME, "
    "charter preview NAME, charter exam new NAME, dvc repro, charter results NAME, charter promote NAME. To "
    "see it all work first: PROFILE=smoke make repro.",
)

_COMMANDS: dict[str, dict[str, Callable[..., None]]] = {
    "Prepare": {
        "add": corpora.add,
        "params": corpora.params,
        "profile": corpora.profile,
        "estimate": synthesis.estimate,
        "preview": synthesis.preview,
    },
    "Run": {"stage": pipeline.stage},
    "Look at the data": {
        "rules": synthesis.rules,
        "filters": synthesis.filters,
        "review": reviewing.review,
        "diff": data.diff,
    },
    "Look at the results": {"results": results.results, "arms": results.arms, "answers": results.answers},
    "Compare and promote": {
        "compare": comparing.compare,
        "votes": comparing.votes,
        "publish": registry.publish,
        "ui": registry.ui,
        "promote": registry.promote,
        "rollback": registry.rollback,
        "history": registry.history,
    },
    "Serve": {"serve": serving.serve, "chat": serving.chat},
}

_exam = typer.Typer(no_args_is_help=True, help="An exam written by people: begin one, add it, try it.")
_exam.command("new")(exam.new)
_exam.command("add")(exam.add)
_exam.command("dev")(exam.dev)
_exam.command("retrieval")(exam.retrieval)
app.add_typer(_exam, name="exam", rich_help_panel="Prepare")

_export = typer.Typer(no_args_is_help=True, help="Take data, a model or replies elsewhere.")
_export.command("data")(export.data)
_export.command("model")(export.model)
_export.command("replies")(export.replies)
app.add_typer(_export, name="export", rich_help_panel="Serve")

for _group, _commands in _COMMANDS.items():
    for _name, _command in _commands.items():
        app.command(_name, rich_help_panel=_group)(_command)


def main() -> None:
    """Run the command line; what the user can mend is one message and exit code 1, misuse is 2."""
    if not sys.warnoptions:
        # What a later release of a library renames is news for who writes Charter, not for who runs it.
        warnings.simplefilter("ignore", FutureWarning)
    try:
        app(prog_name="charter")
    except CharterError as error:
        sys.stderr.write(f"charter: {error}\n")
        sys.exit(1)
