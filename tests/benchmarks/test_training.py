import importlib.util
import json
import sys
from pathlib import Path

import pytest

from charter.paths import ProjectPaths

SCRIPT = Path(__file__).parent.parent.parent / "benchmarks/training.py"


@pytest.mark.models
def test_both_sides_train_and_are_compared(
    base_models: ProjectPaths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = importlib.util.spec_from_file_location("training_benchmark", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "training_benchmark", benchmark)
    spec.loader.exec_module(benchmark)
    monkeypatch.setattr(benchmark, "SEED", base_models.seed)
    benchmark.main(["--tiny", "--rows", "6", "--repetitions", "1"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"name"')]
    assert {line["name"] for line in lines} >= {"sft training", "dpo training"}
    for line in lines:
        assert line["ratio"] == pytest.approx(line["ours"] / line["peer"], rel=0.01)
