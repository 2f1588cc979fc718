"""What the tests of benchmarks share: scripts are loaded by their path."""

import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType

import pytest

from synthetic_project import ROOT


@pytest.fixture
def load_script(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    def load(name: str) -> ModuleType:
        module_name = f"{name}_benchmark"
        spec = importlib.util.spec_from_file_location(module_name, ROOT / f"benchmarks/{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, module_name, module)
        spec.loader.exec_module(module)
        return module

    return load
