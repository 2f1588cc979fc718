import json
from collections.abc import Callable
from types import ModuleType

import pytest

from charter.project.paths import ProjectPaths


@pytest.mark.models
def test_both_sides_train_and_are_compared(
    load_script: Callable[[str], ModuleType],
    base_models: ProjectPaths,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    benchmark = load_script("benchmarks/training")
    monkeypatch.setattr(benchmark, "SEED", base_models.seed)
    benchmark.main(["--tiny", "--rows", "6", "--repetitions", "1"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"name"')]
    assert {line["name"] for line in lines} >= {"sft training", "dpo training"}
    for line in lines:
        assert line["ratio"] == pytest.approx(line["ours"] / line["peer"], rel=0.01)
