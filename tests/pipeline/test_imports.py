"""The rules of imports: they point down only, and one package alone knows mlflow."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent.parent / "src/charter"
FOUNDATIONS = {
    "errors",
    "records",
    "results",
    "params",
    "params_file",
    "paths",
    "state",
    "storage",
    "prompts",
    "chat",
}
PACKAGES = {
    "documents",
    "generation",
    "synthesis",
    "training",
    "retrieval",
    "evaluation",
    "report",
    "artifacts",
    "models",
}
MODULES = sorted(path for path in SOURCE.rglob("*.py"))


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names |= {f"charter.{alias.name}" for alias in node.names} if module == "charter" else {module}
    return names


def room(path: Path) -> str:
    """The part of charter that a module belongs to: its package, or its own name at the top."""
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def rooms(path: Path) -> set[str]:
    parts = [name.split(".") for name in imported(path)]
    return {part[1] for part in parts if part[0] == "charter" and len(part) > 1}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_down(path: Path) -> None:
    place = room(path)
    if place in FOUNDATIONS:
        assert rooms(path) <= FOUNDATIONS
    elif place in PACKAGES:
        assert rooms(path) <= FOUNDATIONS | PACKAGES
    elif place == "stages":
        assert rooms(path) <= FOUNDATIONS | PACKAGES
        assert not any(name.startswith("charter.stages") for name in imported(path))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_only_tracking_imports_mlflow(path: Path) -> None:
    assert room(path) == "tracking" or not any(name.split(".")[0] == "mlflow" for name in imported(path))
