"""The templates of the page and of the cards, rendered strictly: what isn't given is an error."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from charter.project.metric_names import METRICS
from charter.report import formatting

_TEMPLATES = Environment(
    loader=PackageLoader("charter.report", "templates"),
    undefined=StrictUndefined,
    autoescape=select_autoescape(("html.jinja",)),
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals.update(formatting=formatting, metrics=METRICS)


def render(template: str, **variables: Any) -> str:
    """Render a file of ``templates``, all of which know `formatting` and METRICS; in HTML, text is escaped.

    Raises:
        jinja2.UndefinedError: The template uses a variable that was not given.
    """
    return _TEMPLATES.get_template(template).render(**variables).rstrip() + "\n"
