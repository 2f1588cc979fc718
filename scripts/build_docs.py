"""Write the pages of docs/ that are made from code: parameters, commands and data formats.

Usage: python scripts/build_docs.py            a test fails when a committed page isn't what this writes
"""

import inspect
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer.cli import get_docs_for_click

from charter.cli.main import app
from charter.project import (
    exam_records,
    exercise_records,
    records,
    review_records,
    score_records,
    vote_records,
)
from charter.project.params import PARAMS_FILE, Params, read_yaml
from charter.project.paths import CorpusPaths, ProjectPaths

ROOT = Path(__file__).parent.parent
WRITTEN = "<!-- Written by scripts/build_docs.py: edit what it reads, then run it. -->\n\n"
BY_NAME = {"corpora", "labelled", "arms"}
"""Parameters whose keys are the user's own names: their values here would be examples only."""

TYPES = {int: "whole number", float: "number", str: "text", bool: "`true` or `false`", NoneType: "`null`"}
BOUNDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}

PARAMETERS_HEAD = """# Parameters

Every value that the pipeline uses is in `params.yaml`. There are no hidden defaults. `charter params` checks
the file and names a wrong key by its dotted path. The value that stands with a key here is the one in
`params.yaml` as it is committed. A profile may change it: see [Experiments](experiments.md#profiles).

## Single values

"""
COMMANDS_HEAD = """# Commands

`dvc repro` runs the pipeline. These commands prepare it, read its results and promote its models.

"""
FORMATS_HEAD = """# Data formats

Stages pass each other JSON Lines files: one row a line, UTF-8. A row has exactly the fields below, and a file
with others is refused. Where a row has an `id`, it is a hash of the row's content, so that equal rows have
equal ids in every run. Every row leads back to a chunk by its `chunk_id`, and a chunk leads back to pages of
a document. In the names of files, words in capitals stand for the name of a corpus, a split or a kind.

"""


def pages() -> dict[str, str]:
    """Return the pages, by their names below docs/."""
    return {
        "parameters.md": parameters_page(read_yaml(ROOT / PARAMS_FILE)),
        "commands.md": commands_page(),
        "data-formats.md": data_formats_page(),
    }


def parameters_page(values: dict[str, Any]) -> str:
    """Describe every key of params.yaml: its value there, what it may be, and what it means."""
    return WRITTEN + PARAMETERS_HEAD + "".join(_section(Params, "", values, set())).rstrip() + "\n"


def _section(model: type[BaseModel], path: str, values: Any, told: set[type]) -> Iterator[str]:
    """Describe a section, its keys and then its sections; ``told`` has those that were explained before."""
    inner: list[str] = []
    for name, field in model.model_fields.items():
        value = values.get(name) if isinstance(values, dict) and path not in BY_NAME else None
        part = _section_of(field.annotation)
        if part is None or (path and part in told and not isinstance(value, dict)):
            yield _key(name, field, value)
            continue
        level = "##" if not path else "###"
        inner.append(f"{level} `{path}{'.' if path else ''}{name}`\n\n{_text(field.description)}")
        inner.append(_text(part.__doc__) if part not in told and part.__doc__ != field.description else "")
        told.add(part)
        inner.extend(_section(part, f"{path}{'.' if path else ''}{name}", value, told))
    yield from inner


def _section_of(annotation: Any) -> type[BaseModel] | None:
    """The section that a key holds, by itself, by name or in a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_section_of, get_args(annotation))), None)


def _key(name: str, field: FieldInfo, value: Any) -> str:
    shown = "" if value is None and NoneType not in get_args(field.annotation) else f" = `{_yaml(value)}`"
    shown = "" if isinstance(value, dict | list) else shown
    meaning = " ".join(_text(field.description).split())
    return (
        f"`{name}`{shown}\n:   *{_sentence(_type(field.annotation, field.metadata))}.* {meaning}".rstrip()
        + "\n\n"
    )


def _yaml(value: Any) -> str:
    """A plain value as it stands in YAML."""
    return json.dumps(value) if isinstance(value, bool | NoneType) else str(value)


def _type(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    """Name a type and its bounds in words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        bounds = [bound for item in arguments[1:] for bound in getattr(item, "metadata", [item])]
        return _type(arguments[0], bounds)
    if origin is Literal:
        return "one of " + ", ".join(f"`{_yaml(value)}`" for value in arguments)
    if origin in (Union, UnionType):
        return " or ".join(_type(part) for part in arguments)
    if origin is tuple:
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return f"for each name, {_type(arguments[1])}"
    words = TYPES.get(annotation) or f"`{annotation.__name__}`"
    bounds = [
        f"{word} {getattr(item, bound)}"
        for item in metadata
        for bound, word in BOUNDS.items()
        if getattr(item, bound, None) is not None
    ]
    return " ".join([words, " and ".join(bounds)]).rstrip()


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _text(doc: str | None) -> str:
    """A docstring as Markdown: double backticks become single ones."""
    return f"{inspect.cleandoc(doc).replace('``', '`')}\n\n" if doc else ""


def commands_page() -> str:
    """Describe the command line, as typer does."""
    command = typer.main.get_command(app)
    text = get_docs_for_click(obj=command, ctx=typer.Context(command), name="charter")
    _, first, rest = text.partition("## `charter ")
    groups: dict[str, list[str]] = {}
    for name, item in getattr(command, "commands", {}).items():
        line = (
            f"[`charter {name}`](#charter-{name}): {inspect.cleandoc(item.help or '').split(chr(10) * 2)[0]}"
        )
        groups.setdefault(item.rich_help_panel, []).append(" ".join(line.split()))
    overview = "".join(
        f"**{group}**\n\n" + "".join(f"- {line}\n" for line in lines) + "\n"
        for group, lines in groups.items()
    )
    return WRITTEN + COMMANDS_HEAD + overview + (first + rest).rstrip() + "\n"


def data_formats_page() -> str:
    """Describe the rows that travel between stages, and where they lie."""
    text = FORMATS_HEAD
    places = _places()
    modules = (records, exercise_records, exam_records, score_records, vote_records, review_records)
    rows = {name: row for module in modules for name, row in vars(module).items()}
    for name, row in rows.items():
        if not (inspect.isclass(row) and issubclass(row, records.Row) and row is not records.Row):
            continue
        text += f"## {name}\n\n{_text(row.__doc__)}"
        text += "In " + ", ".join(f"`{place}`" for place in places[name]) + "\n\n" if name in places else ""
        hints = get_type_hints(row, include_extras=True)
        text += "".join(f"- `{field}`: {_type(hints[field])}\n" for field in row.model_fields) + "\n"
    return WRITTEN + text.rstrip() + "\n"


def _places() -> dict[str, list[str]]:
    """Where the rows of each kind lie, from what the paths' docstrings say."""
    paths = ProjectPaths(Path()).corpus("CORPUS")
    places = {
        "LabelledItem": ["data/labelled/CORPUS.jsonl"],
        "LabelledExamAnswer": ["data/labelled/exam_answers.jsonl"],
        "ReadExamAnswer": ["data/labelled/model_answers.jsonl"],
    }
    for name, member in inspect.getmembers_static(CorpusPaths):
        doc = inspect.getdoc(member) or ""
        if not (kind := re.search(r"[Rr]ows of (\w+)", doc)):
            continue
        path = getattr(paths, name)
        if callable(path):
            path = path(*(item.upper() for item in inspect.signature(path).parameters))
        places.setdefault(kind[1], []).append(path.as_posix())
    return places


def main() -> None:
    """Write the pages."""
    for name, text in pages().items():
        (ROOT / "docs" / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
