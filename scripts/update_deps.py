"""Write each stage's import closure into the deps of dvc.yaml: `python scripts/update_deps.py`.

The closure is static: every charter module that the stage's module imports, at the top of a file or inside
a function, and theirs; and every prompt file that one of them renders by name, with what it includes.
"""

import ast
import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src"
PROMPTS = SOURCE / "charter/prompts"
VALUES_ONLY = {SOURCE / "charter/params.py"}
"""Left out: parameters are tracked as values, and that module has none."""


def code_dependencies(stage: str) -> list[str]:
    """Return the code that a stage's result depends on, as sorted paths from the project's folder."""
    modules = _closure(SOURCE / f"charter/stages/{stage.replace('-', '_')}.py")
    prompts = {prompt for module in modules for prompt in _prompts(module.read_text(encoding="utf-8"))}
    files = (modules - VALUES_ONLY) | prompts
    return sorted(path.relative_to(ROOT).as_posix() for path in files)


def data_dependencies(deps: list[str]) -> list[str]:
    """Return the deps of a stage that aren't code."""
    return [dep for dep in deps if not dep.startswith("src/")]


def stage_body(definition: Any) -> Any:
    """Return what a stage does, whether or not there is one a corpus."""
    return definition.get("do", definition)


def _closure(start: Path) -> set[Path]:
    found: set[Path] = set()
    waiting = [start]
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += _imported(module)
    return found


def _imported(module: Path) -> list[Path]:
    names: list[str] = []
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [path for name in names if name.split(".")[0] == "charter" and (path := _file(name))]


def _file(name: str) -> Path | None:
    place = SOURCE.joinpath(*name.split("."))
    module, package = place.with_suffix(".py"), place / "__init__.py"
    if module.is_file():
        return module
    # A package's docstring changes nothing; only one with code counts.
    return package if package.is_file() and len(ast.parse(package.read_text()).body) > 1 else None


def _prompts(text: str) -> set[Path]:
    found: set[Path] = set()
    waiting = [PROMPTS / f"{name}.jinja" for name in re.findall(r'render(?:_turns)?\(\s*"(\w+)"', text)]
    while waiting:
        prompt = waiting.pop()
        if prompt not in found:
            found.add(prompt)
            included = re.findall(r'{% include "([\w.]+)" %}', prompt.read_text(encoding="utf-8"))
            waiting += [PROMPTS / name for name in included]
    return found


def main() -> None:
    """Rewrite dvc.yaml, keeping its comments."""
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 4096
    path = ROOT / "dvc.yaml"
    pipeline = yaml.load(path)
    for name, definition in pipeline["stages"].items():
        body = stage_body(definition)
        body["deps"] = [*data_dependencies(body["deps"]), *code_dependencies(name)]
    yaml.dump(pipeline, path)


if __name__ == "__main__":
    main()
