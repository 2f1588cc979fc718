"""YAML as DVC has it: version 1.2, where 5e-05 is a number, as `dvc exp run --set-param` writes it."""

from collections.abc import Callable
from io import StringIO
from typing import Any

from ruamel.yaml import YAML


def parse_yaml(text: str) -> Any:
    """Parse to plain values."""
    return YAML(typ="safe", pure=True).load(text)


def layout_yaml() -> YAML:
    """Return a reader and writer whose values know the comments around them and how they are written."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 4096
    # As params.yaml has it; the default is to write nothing.
    null = ("tag:yaml.org,2002:null", "null")
    yaml.representer.add_representer(type(None), lambda writer, _: writer.represent_scalar(*null))
    return yaml


def amend_yaml(text: str, change: Callable[[Any], None]) -> str:
    """Apply ``change`` to the tree of values and return the new text, with the comments of the old one."""
    yaml, stream = layout_yaml(), StringIO()
    values = yaml.load(text)
    change(values)
    yaml.dump(values, stream)
    return stream.getvalue()
