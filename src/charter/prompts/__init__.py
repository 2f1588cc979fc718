"""Prompts: one file a purpose, rendered strictly."""

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
