"""Changing values in the text of a YAML file: every other byte, comments and layout among them, stays."""

from collections.abc import Sequence
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode


def parse_yaml(text: str) -> Any:
    """Parse YAML 1.2, as DVC does: there 5e-05 is a number, as `dvc exp run --set-param` writes it."""
    return YAML(typ="safe", pure=True).load(text)


def read_value(text: str, keys: Sequence[str]) -> str | None:
    """Return a value as it is written; None where there is no such key."""
    found = _find(text, keys)
    if found is None:
        return None
    start, end = _span(text, *found)
    return text[start:end].strip()


def set_value(text: str, keys: Sequence[str], value: Any) -> str:
    """Set a value; a key that isn't there yet becomes the last of its mapping, which must be there."""
    return write_value(text, keys, flow_yaml(value))


def write_value(text: str, keys: Sequence[str], source: str) -> str:
    """Set a value to ``source``, which is YAML."""
    if found := _find(text, keys):
        start, end = _span(text, *found)
        old = text[start:end]
        space = old[: len(old) - len(old.lstrip())] or " "
        return text[:start] + (space + source if source else "") + text[end:]
    *parents, name = keys
    parent = _mapping(text, parents)
    entry = f"{name}: {source}"
    if parent.flow_style:
        place = _span(text, *parent.value[-1])[1] if parent.value else parent.start_mark.index + 1
        return text[:place] + (", " if parent.value else "") + entry + text[place:]
    place = _line_end(text, _end(text, parent))
    return f"{text[:place]}\n{' ' * parent.start_mark.column}{entry}{text[place:]}"


def remove_key(text: str, keys: Sequence[str]) -> str:
    """Take a key out with its value: of a flow mapping that alone, of a block mapping its lines."""
    found = _find(text, keys)
    if found is None:
        return text
    parent = _mapping(text, keys[:-1])
    place = next(number for number, (key, _) in enumerate(parent.value) if key.value == keys[-1])
    if not parent.flow_style:
        start = text.rfind("\n", 0, found[0].start_mark.index)
        return text[: max(start, 0)] + text[_line_end(text, _span(text, *found)[1]) :]
    if place:
        return text[: _span(text, *parent.value[place - 1])[1]] + text[_span(text, *found)[1] :]
    after = parent.value[1][0].start_mark.index if parent.value[1:] else _span(text, *found)[1]
    return text[: parent.start_mark.index + 1] + text[after:]


def flow_yaml(value: Any) -> str:
    """Write a value as YAML on one line."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style, yaml.width = True, 2**20
    stream = StringIO()
    yaml.dump({"key": value}, stream)
    return stream.getvalue().strip().removeprefix("{key: ").removesuffix("}")


def _find(text: str, keys: Sequence[str]) -> tuple[ScalarNode, Node] | None:
    node = YAML(typ="safe", pure=True).compose(text)
    pair = None
    for name in keys:
        entries = node.value if isinstance(node, MappingNode) else []
        pair = next(((key, value) for key, value in entries if key.value == name), None)
        if pair is None:
            return None
        node = pair[1]
    return pair


def _mapping(text: str, keys: Sequence[str]) -> MappingNode:
    found = _find(text, keys)
    node = found[1] if found else YAML(typ="safe", pure=True).compose(text)
    if not isinstance(node, MappingNode) or (keys and not found):
        raise KeyError(".".join(keys))
    return node


def _span(text: str, key: ScalarNode, value: Node) -> tuple[int, int]:
    """Where a value's text begins, after the colon, and ends; an empty one has its place there too."""
    start = text.index(":", key.end_mark.index) + 1
    empty = value.start_mark.index == value.end_mark.index
    return start, start if empty else _end(text, value)


def _end(text: str, node: Node) -> int:
    """Where a node's text ends; the mark of a block collection lies beyond the comments that follow it."""
    if isinstance(node, CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _span(text, *last)[1] if isinstance(last, tuple) else _end(text, last)
    return int(node.end_mark.index)


def _line_end(text: str, place: int) -> int:
    end = text.find("\n", max(place - 1, 0))
    return len(text) if end < 0 else end
