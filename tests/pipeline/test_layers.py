"""The rules of imports: they point down only, and one room alone knows mlflow."""

import pytest

from import_graph import MODULES, SOURCE, imported, room

ROOMS = (
    "project",
    "documents",
    "generation",
    "retrieval",
    "training",
    "synthesis",
    "safety",
    "evaluation",
    "report",
    "registry",
    "serving",
    "pages",
    "comparing",
    "reviewing",
    "stages",
    "cli",
)
"""From the lowest: a module imports from its own room and from those before it."""

TOP = {"charter", "charter.__main__"}


def test_nothing_lies_loose() -> None:
    assert {module for module in MODULES if room(module) not in ROOMS} <= TOP
    assert {path.name for path in SOURCE.iterdir() if path.is_file()} <= {
        "__init__.py",
        "__main__.py",
        "py.typed",
    }


@pytest.mark.parametrize("module", sorted(MODULES.keys() - TOP))
def test_imports_point_down(module: str) -> None:
    allowed = ROOMS[: ROOMS.index(room(module)) + 1]
    others = imported(module) & MODULES.keys() - {"charter"}
    assert {room(name) for name in others} <= set(allowed)


@pytest.mark.parametrize("module", sorted(name for name in MODULES if room(name) == "stages"))
def test_stages_do_not_import_each_other(module: str) -> None:
    assert not any(name.startswith("charter.stages.") for name in imported(module))


@pytest.mark.parametrize("module", sorted(MODULES))
def test_only_the_registry_imports_mlflow(module: str) -> None:
    assert room(module) == "registry" or not any(name.split(".")[0] == "mlflow" for name in imported(module))


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_can_be_read_at_a_sitting(module: str) -> None:
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= 300
