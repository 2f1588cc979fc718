"""Profiles: overlays over the user's params.yaml, taken off again exactly.

params.yaml always holds the values in effect, so that DVC sees one file. The user's own is kept whole in
params.user.yaml, below two lines with what was laid over it; both files are committed together. That file
counts where params.yaml names the same profile. So a profile is applied in three writes: params.yaml as the
user has it, params.user.yaml, params.yaml as it becomes.
"""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ruamel.yaml.error import YAMLError

from charter.project.errors import CharterError
from charter.project.params import PARAMS_FILE, load_params, parse_params, read_yaml
from charter.project.storage import write_text
from charter.project.yaml_text import amend_yaml, layout_yaml, parse_yaml

FOLDER = "profiles"
NONE = "none"
"""The ``profile`` of params.yaml where none is applied."""

USERS_FILE = "params.user.yaml"
_MODELS = "base_models."
_HEADER = "# Your own params.yaml, to which `charter profile off` goes back: commit both. What lies over it:"


def list_profiles(root: Path) -> list[str]:
    """Return the names of the profiles that there are."""
    return sorted(path.stem for path in (root / FOLDER).glob("*.yaml"))


def apply_profile(root: Path, name: str) -> list[str]:
    """Lay a profile over the user's params.yaml; another one that was applied is taken off first.

    A mapping that is empty in the profile empties the one in params.yaml. The keys are returned that the user
    had changed over the profile that was applied: they stay in effect if it is the same one, and else are the
    user's own, which another profile may set in turn. If an error is raised, nothing changes.
    """
    path = root / FOLDER / f"{name}.yaml"
    if not path.exists():
        raise CharterError(f"no profile {name!r}; there are {', '.join(list_profiles(root))}")
    profile = read_yaml(path)
    if not isinstance(profile, dict) or "profile" in profile:
        raise CharterError(f"{path}: not a tree of the keys and values that params.yaml has, without profile")
    overlay = {"profile": name} | profile
    again = load_params(root / PARAMS_FILE).profile == name
    own, kept = _without_profile(root)
    laid = _leave_out(overlay, kept) if again else overlay
    text = amend_yaml(own, lambda values: lay(laid, values))
    parse_params(parse_yaml(text), f"{PARAMS_FILE} with {FOLDER}/{name}.yaml")
    write_text(root / PARAMS_FILE, own)
    write_text(root / USERS_FILE, f"{_HEADER}\n# {json.dumps(overlay)}\n{own}")
    write_text(root / PARAMS_FILE, text)
    return kept


def take_off_profile(root: Path) -> list[str]:
    """Give params.yaml the user's values back, if a profile is applied; what the user changed since stays.

    The keys of the profile that were changed are returned; if none was, the file comes back byte by byte. If
    an error is raised, nothing changes.
    """
    own, kept = _without_profile(root)
    parse_params(parse_yaml(own), f"{PARAMS_FILE} without its profile")
    write_text(root / PARAMS_FILE, own)
    (root / USERS_FILE).unlink(missing_ok=True)
    return kept


def _without_profile(root: Path) -> tuple[str, list[str]]:
    """Return the text of params.yaml as the user has it, and the keys that were changed over the profile."""
    path = root / PARAMS_FILE
    applied = load_params(path).profile
    text = path.read_bytes().decode()  # line ends stay
    if applied == NONE:
        return text, []
    try:
        _, line, own = (root / USERS_FILE).read_bytes().decode().split("\n", 2)
        overlay = json.loads(line.removeprefix("# "))
        users = layout_yaml().load(own)
        laid = amend_yaml(own, lambda values: lay(overlay, values))
    except (FileNotFoundError, ValueError, YAMLError):
        overlay = {}
    if overlay.get("profile") != applied:
        raise CharterError(
            f"{path}: it says profile {applied}, but {USERS_FILE} doesn't say what that replaced. Take that "
            f"file from git, or give {PARAMS_FILE} the values that you want, and `profile: {NONE}`"
        )
    if text == laid:
        return own, []
    kept: list[str] = []
    return amend_yaml(text, lambda values: kept.extend(_lift(overlay, values, users))), kept


def lay(overlay: Any, values: Any) -> None:
    """Set the values of a profile, each where its mapping is in ``values`` too."""
    for key, value in overlay.items():
        below = values.get(key)
        if value and isinstance(value, dict) and isinstance(below, dict):
            lay(value, below)
        else:
            values[key] = value


def _leave_out(overlay: dict[str, Any], keys: Collection[str], above: str = "") -> dict[str, Any]:
    """Return a profile without these keys, and without a mapping of which nothing is left: it would empty."""
    left = {}
    for key, value in overlay.items():
        if above + key in keys:
            continue
        if not value or not isinstance(value, dict):
            left[key] = value
        elif below := _leave_out(value, keys, f"{above}{key}."):
            left[key] = below
    return left


def _lift(overlay: Any, values: Any, users: Any, above: str = "") -> list[str]:
    """Set the user's values again where the profile's still stand, and return the keys where they don't."""
    kept = []
    for key, value in overlay.items():
        present, was = values.get(key), users.get(key)
        if above == _MODELS and isinstance(was, dict):
            # Of two ways to say where a model comes from, a mixture says neither.
            if present == {**was, **value}:
                values[key] = was
            else:
                kept.append(above + key)
        elif value and all(isinstance(item, dict) for item in (value, present, was)):
            kept += _lift(value, present, was, f"{above}{key}.")
        elif present != value:
            kept.append(above + key)
        elif key in users:
            values[key] = was
        else:
            values.pop(key, None)
    return kept
