"""Amending params.yaml: values change, comments and layout stay."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import RoundTripRepresenter

from charter.project.storage import write_text


def amend_params(path: Path, change: Callable[[Any], None]) -> None:
    """Apply ``change`` to the tree of values and write the file, whole or not at all."""
    write_text(path, amended_params(path, change))


def amended_params(path: Path, change: Callable[[Any], None]) -> str:
    """Return the text that params.yaml would have after ``change``."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 4096
    yaml.representer.add_representer(type(None), _represent_null)
    values = yaml.load(path.read_text(encoding="utf-8"))
    change(values)
    text = StringIO()
    yaml.dump(values, text)
    return text.getvalue()


def _represent_null(representer: RoundTripRepresenter, _: None) -> ScalarNode:
    """Write null as it stands in the file, and not as nothing."""
    node: ScalarNode = representer.represent_scalar("tag:yaml.org,2002:null", "null")
    return node
