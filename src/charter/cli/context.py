"""What most commands begin with: the project they are run in, and the corpora they are given."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from charter.project.errors import CharterError
from charter.project.params import PARAMS_FILE, Params, load_params
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.records import System

if TYPE_CHECKING:
    from charter.serving.served import Source

CorpusArgument = Annotated[str, typer.Argument(help="A corpus of params.yaml, such as udhr.")]
TargetArgument = Annotated[
    str, typer.Argument(metavar="CORPUS[@ALIAS]", help="Whose model; without an alias, the champion.")
]
EvaluatedArgument = Annotated[list[str] | None, typer.Argument(help="Which; all that are evaluated.")]
HostOption = Annotated[str, typer.Option(help="Where to listen; others than this machine need keys.")]
PortOption = Annotated[int, typer.Option(min=1, max=65535, help="Where to listen.")]
BrowserOption = Annotated[bool, typer.Option(help="Open the page in the browser of this machine.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print a list of objects.")]
SystemOption = Annotated[
    Literal["sft", "dpo"],
    typer.Option("--system", help="Which of its models: sft, or dpo (SFT+DPO). Each has its own champion."),
]


def open_project(*corpora: str) -> tuple[Params, ProjectPaths]:
    """Find the project: the working directory, or the nearest one above it with a params.yaml.

    It is a CharterError where params.yaml doesn't have all of ``corpora``.
    """
    here = Path.cwd()
    root = next((path for path in (here, *here.parents) if (path / PARAMS_FILE).exists()), here)
    params = load_params(root / PARAMS_FILE)
    known = params.corpora
    for corpus in corpora:
        if corpus not in known:
            raise CharterError(f"no corpus {corpus!r} in {PARAMS_FILE}; there are {', '.join(known)}")
    return params, ProjectPaths(root)


def open_corpus(corpus: str) -> tuple[Params, CorpusPaths]:
    """Find the project, as `open_project` does, and the paths of one of its corpora."""
    params, paths = open_project(corpus)
    return params, paths.corpus(corpus)


def open_evaluated(corpora: Sequence[str] | None) -> tuple[Params, ProjectPaths, Sequence[str]]:
    """Find the project, and say which corpora are meant: those given, or else all that are evaluated."""
    params, paths = open_project(*corpora or ())
    chosen = corpora or evaluated(params, paths)
    if not chosen:
        raise CharterError("nothing is evaluated yet; `dvc repro` does it")
    return params, paths, chosen


def evaluated(params: Params, paths: ProjectPaths) -> list[str]:
    """Return the corpora that are evaluated."""
    return [name for name in params.corpora if paths.corpus(name).metrics("evaluate").exists()]


def open_source(target: str, system: System) -> "Source":
    """Find the project, and say where the model that ``CORPUS[@ALIAS]`` names comes from."""
    from charter.serving.served import Source

    corpus, _, alias = target.partition("@")
    return Source(*open_corpus(corpus), system, alias or "champion")
