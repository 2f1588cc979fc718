"""Prompts: one file a purpose, rendered strictly."""

import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

_ENVIRONMENT = Environment(
    loader=PackageLoader("charter.prompts", ""),
    undefined=StrictUndefined,
    keep_trailing_newline=False,
    trim_blocks=True,
    autoescape=False,  # noqa: S701  prompts are plain text
)


def render(name: str, **variables: Any) -> str:
    """Render the prompt ``name`` (a file name without ``.jinja``).

    Raises:
        jinja2.UndefinedError: The prompt uses a variable that was not given.
        jinja2.TemplateNotFound: There is no such prompt.
    """
    return _ENVIRONMENT.get_template(f"{name}.jinja").render(**variables).strip()


def render_turns(name: str, **variables: Any) -> list[tuple[str, str]]:
    """Render a prompt of several turns as (role, text) each; a line ``--- ROLE`` opens a turn.

    Small models copy worked examples that stand in the question itself; given as turns, they follow them.
    """
    text = render(name, **variables)
    _, *parts = re.split(r"^--- (system|user|assistant)$", text, flags=re.MULTILINE)
    return [(role, text.strip()) for role, text in zip(parts[::2], parts[1::2], strict=True)]
