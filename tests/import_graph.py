"""What the modules of charter import, read from their source: no module is loaded."""

import ast
import re
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src/charter"
MODULES = {
    ".".join(("charter", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(SOURCE.rglob("*.py"))
}
"""Dotted name to file, packages among them."""

PINNED = {"base-models", "judges", "fetch-documents", "fetch-prompts"}
"""Stages whose outputs are the bytes of pinned files, whatever code fetches them."""


def room(module: str) -> str:
    """The part of charter that a module lies in; of the package itself, and what is loose in it, its name."""
    return module.split(".")[1] if "." in module else module


@cache
def imported(module: str) -> set[str]:
    """Every name that a module imports anywhere in it, dotted; what it imports of charter as modules."""
    names = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: a relative import"
            source = node.module or ""
            inner = {f"{source}.{alias.name}" for alias in node.names}
            names |= {source} | (inner & MODULES.keys())
    return names


@cache
def prompt_rooms(module: str) -> set[str]:
    """The packages whose prompts a module renders: ``Prompts("charter.synthesis", ...)``."""
    text = MODULES[module].read_text(encoding="utf-8")
    packages = {name for call in re.findall(r"\bPrompts\(([^)]*)\)", text) for name in call.split(",")}
    return {room(name.strip().strip('"')) for name in packages if name.strip().startswith('"')}


def closure(module: str) -> set[str]:
    """A module and all of charter that it imports, directly or not."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting += imported(current) & MODULES.keys()
    return found


def rooms_used(module: str) -> set[str]:
    """The rooms that the module's result depends on: those of its closure, and of the prompts in it."""
    modules = closure(module)
    return {room(name) for name in modules} | {name for used in modules for name in prompt_rooms(used)}
