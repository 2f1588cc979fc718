"""Profiles: small overlays that are laid over params.yaml, so that DVC sees one file with every value."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from charter.project.errors import CharterError
from charter.project.params import PARAMS_FILE, parse_params, read_yaml
from charter.project.params_file import amend_params

FOLDER = "profiles"


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
    if not isinstance(overlay, dict):
        raise CharterError(f"{path}: not a tree of keys and values")
    return overlay


def apply_profile(root: Path, name: str) -> None:
    """Lay a profile over params.yaml; comments, and keys that the profile doesn't name, stay.

    A mapping that is empty in the profile empties the one in params.yaml.

    Raises:
        CharterError: There is no such profile, or the outcome isn't valid; then nothing changes.
    """
    overlay = load_overlay(root, name)

    def change(values: Any) -> None:
        values["profile"] = name
        _merge(values, overlay)
        parse_params(values, f"{PARAMS_FILE} with {FOLDER}/{name}.yaml")

    amend_params(root / PARAMS_FILE, change)


def _merge(values: Any, overlay: Mapping[str, Any]) -> None:
    for key, value in overlay.items():
        if value and isinstance(value, Mapping) and isinstance(values.get(key), Mapping):
            _merge(values[key], value)
        else:
            values[key] = value
