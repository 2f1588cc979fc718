"""Preparing a run: documents, parameters and profiles."""

from typing import Annotated

import typer
from typer import BadParameter

from charter.cli.context import open_project
from charter.project.params import PARAMS_FILE


def add(
    name: Annotated[str, typer.Argument(help="What to call the corpus: lower case, digits, - and _.")],
    sources: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files, folders or globs.")],
    title: Annotated[str | None, typer.Option(help="How prompts and reports call the documents.")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put them in the place of those that the corpus has.")
    ] = False,
) -> None:
    """Make a corpus of your own documents: PDF, DOCX, PPTX, HTML, Markdown, text, EPUB.

    They are copied to data/raw/NAME and the corpus is added to params.yaml. Nothing is run; to try a few
    chunks first: dvc exp run -S extract.limit=3 synthesize@NAME

    When the documents change, --replace takes the new ones in; decisions, exam and title stay.
    """
    from charter.documents.adding import add_corpus, replace_documents

    if replace and title:
        raise BadParameter(f"--title is for a new corpus; change corpora.{name}.title in {PARAMS_FILE}")
    _, paths = open_project(*([name] if replace else []))
    if replace:
        corpus = replace_documents(paths.root, name, sources)
    else:
        corpus = add_corpus(paths.root, name, sources, title)
    own = paths.corpus(name)
    for folder in (own.decisions.parent, own.exam_seal.parent):
        # DVC refuses a folder that isn't there, and git keeps no empty one.
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".gitkeep").touch()
    done = "replaced the documents of" if replace else "added"
    typer.echo(f"{done} {name}: {corpus.path}\nnow run: dvc repro evaluate@{name}")


def profile(
    name: Annotated[
        str | None,
        typer.Argument(help="A profile, or `off` to take the applied one off. Leave it out to list."),
    ] = None,
) -> None:
    """Lay a profile (profiles/NAME.yaml) over your params.yaml, or take it off again: `charter profile off`.

    One profile is applied at a time. Your own file is kept as params.user.yaml; commit that together with
    params.yaml. Off gives your values back, and leaves what you changed over the profile.
    """
    from charter.project.profiles import apply_profile, list_profiles, take_off_profile

    params, paths = open_project()
    if name is None:
        for known in list_profiles(paths.root):
            typer.echo(f"{known}{'  (applied)' if known == params.profile else ''}")
        return
    kept = take_off_profile(paths.root) if name == "off" else apply_profile(paths.root, name)
    over = f"you changed it over profile {params.profile}"
    for key in kept:
        typer.echo(
            f"{key} {'stays as it is' if name in ('off', params.profile) else 'is your own now'}: {over}"
        )
    if name == "off":
        typer.echo("params.yaml holds your own values; no profile is applied")
    else:
        typer.echo(f"params.yaml holds profile {name} over your values; `charter profile off` takes it off")


def params() -> None:
    """Check params.yaml; a bad key is named with its dotted path."""
    found, _ = open_project()
    corpora = ", ".join(found.corpora)
    typer.echo(f"{PARAMS_FILE} is valid: profile {found.profile}, corpora {corpora}")
