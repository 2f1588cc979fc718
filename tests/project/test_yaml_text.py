"""Values change in the text of a YAML file, and nothing else does."""

from typing import Any

import pytest
from ruamel.yaml import YAML

from charter.project.yaml_text import flow_yaml, read_value, remove_key, set_value, write_value

TEXT = """\
# A file with habits of its own.
seed:   42   # aligned
empty:
model: { artifact: small,hub: null, }
rate: 2.0e-4
list:
    - first   # of two
    - second

# Before the corpora.
corpora:
    # The first.
    udhr:
        path: "data/raw/udhr.html"
        title: 'Universal: it''s said'   # title

last: {}"""


def load(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


KEYS = [
    ("seed",),
    ("empty",),
    ("model",),
    ("model", "artifact"),
    ("model", "hub"),
    ("rate",),
    ("list",),
    ("corpora",),
    ("corpora", "udhr"),
    ("corpora", "udhr", "title"),
    ("last",),
]


@pytest.mark.parametrize("keys", KEYS)
@pytest.mark.parametrize("value", [3, 5e-5, None, {}, {"a": [1, None]}, [{"m": 1.5}], "1e-3", "a: #b", ""])
def test_a_value_is_set_and_put_back_exactly(keys: tuple[str, ...], value: Any) -> None:
    before = read_value(TEXT, keys)
    assert before is not None
    changed = set_value(TEXT, keys, value)
    found = load(changed)
    for key in keys:
        found = found[key]
    assert found == value
    assert write_value(changed, keys, before) == TEXT


@pytest.mark.parametrize("above", [(), ("model",), ("corpora",), ("corpora", "udhr"), ("last",)])
def test_a_new_key_is_added_and_removed_exactly(above: tuple[str, ...]) -> None:
    keys = (*above, "new")
    changed = set_value(TEXT, keys, {"path": "x"})
    assert load(changed) != load(TEXT)
    assert read_value(changed, keys) == "{path: x}"
    assert remove_key(changed, keys) == TEXT
    with_two = set_value(changed, (*above, "newer"), 1)
    assert remove_key(remove_key(with_two, (*above, "newer")), keys) == TEXT


def test_first_keys_are_removed() -> None:
    assert load(remove_key(TEXT, ("model", "artifact")))["model"] == {"hub": None}
    assert "seed" not in load(remove_key(TEXT, ("seed",)))
    assert remove_key(TEXT, ("nowhere",)) == TEXT


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_line_ends_stay(line_end: str) -> None:
    text = f"a: 1{line_end}b: 2{line_end}"
    assert set_value(text, ("a",), 3) == f"a: 3{line_end}b: 2{line_end}"


@pytest.mark.parametrize("value", ["it's: a # title", "1.0", "null", "", 5e-06, None, {"a": {}}, "ja, nein"])
def test_values_are_written_on_one_line(value: Any) -> None:
    assert "\n" not in flow_yaml(value)
    assert load(f"{{key: {flow_yaml(value)}}}") == {"key": value}
