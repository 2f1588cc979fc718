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

    def check_corpora(self, *corpora: str) -> None:
        """Refuse a corpus that params.yaml doesn't have.

        Raises:
            CharterError: There is no such corpus; says which there are.
        """
        known = self.params.corpora
        for corpus in corpora:
            if corpus not in known:
                raise CharterError(f"no corpus {corpus!r} in {PARAMS_FILE}; there are {', '.join(known)}")

    def with_results(self) -> list[str]:
        """Return the corpora that are evaluated."""
        corpora = self.params.corpora
        return [name for name in corpora if self.paths.corpus(name).metrics("evaluate").exists()]

    def evaluated(self, corpora: Sequence[str] | None) -> list[str]:
        """Return the given corpora, or all that are evaluated.

        Raises:
            CharterError: There is no such corpus, or nothing is evaluated.
        """
        self.check_corpora(*corpora or ())
        chosen = list(corpora or ()) or self.with_results()
        if not chosen:
            raise CharterError("nothing is evaluated yet; `dvc repro` does it")
        return chosen


def open_project() -> Project:
    """Find the project: the working directory, or the nearest one above it with a params.yaml.

    Raises:
        CharterError: There is none, or its params.yaml is wrong.
    """
    here = Path.cwd()
    root = next((path for path in (here, *here.parents) if (path / PARAMS_FILE).exists()), here)
    return Project(root, load_params(root / PARAMS_FILE))
