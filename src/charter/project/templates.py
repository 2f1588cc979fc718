"""Templates of text, rendered strictly: a variable that isn't given is an error."""

import re
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined


class Prompts:
    """The prompts of one or more packages, files ``prompts/NAME.jinja`` beside the code that uses them."""

    def __init__(self, *packages: str):
        """Look names up, those of an ``include`` too, in each of the ``packages`` in turn."""
        self._environment = Environment(
            loader=ChoiceLoader([PackageLoader(package, "prompts") for package in packages]),
            undefined=StrictUndefined,
            trim_blocks=True,
            autoescape=False,  # noqa: S701  prompts are plain text
        )

    def render(self, name: str, **variables: Any) -> str:
        """Render the prompt ``name`` (a file name without ``.jinja``)."""
        return self._environment.get_template(f"{name}.jinja").render(**variables).strip()

    def render_turns(self, name: str, **variables: Any) -> list[tuple[str, str]]:
        """Render a prompt as turns, (role, text) each; a line ``--- ROLE`` opens one, else it is the user's.

        Small models copy worked examples that stand in the question itself; given as turns, they follow them.
        """
        text = self.render(name, **variables)
        before, *parts = re.split(r"^--- (system|user|assistant)$", text, flags=re.MULTILINE)
        if not parts:
            return [("user", before)]
        return [(role, text.strip()) for role, text in zip(parts[::2], parts[1::2], strict=True)]
