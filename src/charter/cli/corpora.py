"""Preparing a run: documents, parameters and profiles."""

from typing import Annotated

import typer
from rich.console import Console

from charter.cli.context import open_project
from charter.project.params import PARAMS_FILE


def add(
    name: Annotated[str, typer.Argument(help="What to call the corpus: lower case, digits, - and _.")],
    sources: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files, folders or globs.")],
    title: Annotated[str | None, typer.Option(help="How prompts and reports call the documents.")] = None,
) -> None:
    """Make a corpus of your own documents: PDF, DOCX, PPTX, HTML, Markdown, text, EPUB.

    They are copied to data/raw/NAME and the corpus is added to params.yaml. Nothing is run; to try a few
    chunks first: dvc exp run -S extract.limit=3 synthesize@NAME
    """
    from charter.documents.adding import add_corpus

    corpus = add_corpus(open_project().root, name, sources, title)
    Console().print(f"added {name}: {corpus.path}\nnow run: dvc repro evaluate@{name}", highlight=False)


def profile(
    name: Annotated[str | None, typer.Argument(help="Leave it out to list them.")] = None,
) -> None:
    """Lay a profile (profiles/NAME.yaml) over params.yaml; `charter profile default` goes back."""
    from charter.project.profiles import apply_profile, list_profiles

    project = open_project()
    if name is None:
        for known in list_profiles(project.root):
            Console().print(f"{known}{'  (in params.yaml now)' if known == project.params.profile else ''}")
        return
    apply_profile(project.root, name)
    Console().print(f"params.yaml now holds profile {name}; `charter profile default` goes back")


def params() -> None:
    """Check params.yaml; a bad key is named with its dotted path."""
    found = open_project().params
    corpora = ", ".join(found.corpora)
    Console().print(f"{PARAMS_FILE} is valid: profile {found.profile}, corpora {corpora}", highlight=False)
