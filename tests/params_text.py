"""A change of one value in the text of a params.yaml."""

from collections.abc import Sequence
from typing import Any

from charter.project.yaml_text import amend_yaml


def set_value(text: str, keys: Sequence[str], value: Any) -> str:
    """Return the text with another value at a path of keys."""

    def change(values: Any) -> None:
        *parents, name = keys
        for key in parents:
            values = values[key]
        values[name] = value

    return amend_yaml(text, change)
