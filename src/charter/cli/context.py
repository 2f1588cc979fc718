"""What most commands begin with: the project they are run in, and the corpora they are given."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from charter.project.errors import CharterError
from charter.project.params import PARAMS_FILE, Params, load_params
from charter.project.paths import ProjectPaths

CorpusArgument = Annotated[str, typer.Argument(help="A corpus of params.yaml, such as udhr.")]
EvaluatedArgument = Annotated[list[str] | None, typer.Argument(help="Which; all that are evaluated.")]
HostOption = Annotated[str, typer.Option(help="Where to listen; others than this machine need keys.")]
PortOption = Annotated[int, typer.Option(min=1, max=65535, help="Where to listen.")]
BrowserOption = Annotated[bool, typer.Option(help="Open the page in the browser of this machine.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print a list of objects.")]


@dataclass(frozen=True)
class Project:
    """The project's folder, and its params.yaml."""

    root: Path
    params: Params

    @property
    def paths(self) -> ProjectPaths:
        """Where everything lies."""
        return ProjectPaths(self.root)

    def evaluated(self) -> list[str]:
        """Return the corpora that are evaluated."""
        corpora = self.params.corpora
        return [name for name in corpora if self.paths.corpus(name).metrics("evaluate").exists()]


def open_project(*corpora: str) -> Project:
    """Find the project: the working directory, or the nearest one above it with a params.yaml.

    It is a CharterError where params.yaml doesn't have all of ``corpora``.
    """
    here = Path.cwd()
    root = next((path for path in (here, *here.parents) if (path / PARAMS_FILE).exists()), here)
    project = Project(root, load_params(root / PARAMS_FILE))
    known = project.params.corpora
    for corpus in corpora:
        if corpus not in known:
            raise CharterError(f"no corpus {corpus!r} in {PARAMS_FILE}; there are {', '.join(known)}")
    return project


def open_evaluated(corpora: Sequence[str] | None) -> tuple[Project, Sequence[str]]:
    """Find the project, and say which corpora are meant: those given, or else all that are evaluated."""
    project = open_project(*corpora or ())
    chosen = corpora or project.evaluated()
    if not chosen:
        raise CharterError("nothing is evaluated yet; `dvc repro` does it")
    return project, chosen
