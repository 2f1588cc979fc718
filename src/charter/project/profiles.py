"""Profiles: overlays over the user's params.yaml, remembered beside it, and taken off again exactly.

params.yaml always holds the values in effect, so that DVC sees one file. What a profile replaced is in
params.profile.yaml, to be committed with it. That file counts where params.yaml names the same profile. So a
profile is applied in three writes: params.yaml with the user's values, that file, params.yaml as it becomes.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from charter.project.errors import CharterError
from charter.project.params import PARAMS_FILE, load_params, parse_as, parse_params, read_yaml
from charter.project.sections import ParamsSection
from charter.project.storage import write_text
from charter.project.yaml_text import flow_yaml, parse_yaml, read_value, remove_key, write_value

FOLDER = "profiles"
NONE = "none"
"""The ``profile`` of params.yaml where none is applied."""

OFF = "off"
"""What the command line takes in place of a profile's name to take the applied one off."""

MEMORY = "params.profile.yaml"
_HEADER = """\
# What the profile replaced in params.yaml. `charter profile off` puts it back; commit both files together.
profile: {name}
replaced:
"""


class _Replaced(ParamsSection):
    now: str
    """The profile's value, as YAML."""
    was: str | None
    """The user's, as params.yaml had it written; null where it had no such key."""


class _Memory(ParamsSection):
    profile: str
    replaced: dict[str, _Replaced]


def list_profiles(root: Path) -> list[str]:
    """Return the names of the profiles that there are."""
    return sorted(path.stem for path in (root / FOLDER).glob("*.yaml"))


def load_overlay(root: Path, name: str) -> dict[str, Any]:
    """Read a profile.

    Raises:
        CharterError: There is no such profile, or it isn't a tree of values.
    """
    path = root / FOLDER / f"{name}.yaml"
    if not path.exists():
        raise CharterError(f"no profile {name!r}; there are {', '.join(list_profiles(root))}")
    overlay = read_yaml(path)
    if not isinstance(overlay, dict) or "profile" in overlay:
        raise CharterError(f"{path}: not a tree of the keys and values that params.yaml has, without profile")
    return overlay


def apply_profile(root: Path, name: str) -> list[str]:
    """Lay a profile over the user's params.yaml; the one that was applied is taken off first.

    A mapping that is empty in the profile empties the one in params.yaml.

    Returns:
        The keys that the user had changed over the profile that was taken off.

    Raises:
        CharterError: There is no such profile, or the outcome isn't valid; then nothing changes.
    """
    overlay = load_overlay(root, name)
    own, kept = _without_profile(root)
    text, replaced = own, {}
    for keys, value in _leaves({"profile": name} | overlay, parse_yaml(text)):
        replaced[".".join(keys)] = {"now": flow_yaml(value), "was": read_value(text, keys)}
        text = write_value(text, keys, flow_yaml(value))
    parse_params(parse_yaml(text), f"{PARAMS_FILE} with {FOLDER}/{name}.yaml")
    lines = [f"  {key}: {flow_yaml(entry)}\n" for key, entry in replaced.items()]
    write_text(root / PARAMS_FILE, own)
    write_text(root / MEMORY, _HEADER.format(name=name) + "".join(lines))
    write_text(root / PARAMS_FILE, text)
    return kept


def take_off_profile(root: Path) -> list[str]:
    """Give params.yaml the values back that the applied profile replaced, if one is applied.

    Returns:
        The keys that the user has changed since; they keep the user's value.

    Raises:
        CharterError: What the profile replaced isn't known, or the outcome isn't valid; then nothing changes.
    """
    own, kept = _without_profile(root)
    parse_params(parse_yaml(own), f"{PARAMS_FILE} without its profile")
    write_text(root / PARAMS_FILE, own)
    (root / MEMORY).unlink(missing_ok=True)
    return kept


def _without_profile(root: Path) -> tuple[str, list[str]]:
    """Return the text of params.yaml as the user has it, and the keys that were changed over the profile."""
    path, memory = root / PARAMS_FILE, root / MEMORY
    applied = load_params(path).profile
    text = path.read_text(encoding="utf-8")
    if applied == NONE:
        return text, []
    remembered = parse_as(_Memory, read_yaml(memory), MEMORY) if memory.exists() else None
    if remembered is None or remembered.profile != applied:
        raise CharterError(
            f"{path}: it says profile {applied}, but {MEMORY} doesn't say what that replaced. Take that file "
            f"from git, or give {PARAMS_FILE} the values that you want, and `profile: {NONE}`"
        )
    kept = []
    for key, entry in reversed(remembered.replaced.items()):
        keys = key.split(".")
        present = read_value(text, keys)
        if present is None or parse_yaml(present) != parse_yaml(entry.now):
            kept.append(key)
        elif entry.was is None:
            text = remove_key(text, keys)
        else:
            text = write_value(text, keys, entry.was)
    return text, kept[::-1]


def _leaves(
    overlay: Mapping[str, Any], values: Any, above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the keys and values of a profile, each where its mapping is in ``values`` too."""
    for key, value in overlay.items():
        below = values.get(key)
        if value and isinstance(value, Mapping) and isinstance(below, Mapping):
            yield from _leaves(value, below, (*above, key))
        else:
            yield (*above, key), value
