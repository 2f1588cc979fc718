"""Comparing committed figures: those that gates judge, as git has them, with their intervals."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PARAMS = """corpora: {udhr: {}, policy: {}}
gates:
  - {metric: bleu, against: cft+rag, minimum: 0.0}
  - {metric: bleu, against: sft, minimum: -2.0}
  - {metric: right_answers, rag: true, against: trivial, minimum: 0.0}
"""


def estimate(value: float) -> dict[str, Any]:
    return {"value": value, "low": value - 2, "high": value + 2, "n": 9}


def evaluation(bleu: float, asked: str = "questions") -> dict[str, Any]:
    return {
        "systems": {
            "sft": {"bleu": estimate(30), "perplexity": estimate(bleu)},
            "dpo": {"bleu": estimate(bleu)},
            "dpo+rag": {"right_answers": {"value": bleu / 100, "low": None, "high": None, "n": 9}},
        },
        "lineage": {"sft_test": asked},
    }


def commit(root: Path, **evaluations: dict[str, Any]) -> None:
    (root / "params.yaml").write_text(PARAMS, encoding="utf-8")
    for corpus, value in evaluations.items():
        path = root / f"data/metrics/{corpus}/evaluate.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value), encoding="utf-8")
    identity = ["-c", "user.name=tests", "-c", "user.email=tests@example.invalid"]
    for words in (["init", "--quiet"], ["add", "."], [*identity, "commit", "--quiet", "--message", "state"]):
        subprocess.run(["git", *words], cwd=root, check=True)


@pytest.fixture
def script(load_script: Callable[[str], ModuleType]) -> ModuleType:
    return load_script("scripts/compare_figures")


def rows(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(("| udhr", "| policy"))]


def test_figures_of_gates_that_differ_are_shown_once(tmp_path: Path, script: ModuleType) -> None:
    commit(tmp_path, udhr=evaluation(40))
    commit(tmp_path, udhr=evaluation(50))
    # What isn't committed doesn't count.
    (tmp_path / "data/metrics/udhr/evaluate.json").write_text("{}", encoding="utf-8")
    text = script.compare(tmp_path, "HEAD^1", "HEAD")
    assert rows(text) == [
        "| udhr | SFT+DPO | BLEU | 40.0 [38.0, 42.0] | 50.0 [48.0, 52.0] |",
        "| udhr | SFT+DPO+RAG | right answers | .400 | .500 |",
    ]
    assert "test questions" not in text


def test_what_was_not_there_is_a_dash(tmp_path: Path, script: ModuleType) -> None:
    commit(tmp_path, udhr=evaluation(40))
    commit(tmp_path, policy=evaluation(20))
    text = script.compare(tmp_path, "HEAD^1", "HEAD")
    assert rows(text)[0] == "| policy | SFT | BLEU | – | 30.0 [28.0, 32.0] |"
    assert len(rows(text)) == 3


def test_other_questions_are_named(tmp_path: Path, script: ModuleType) -> None:
    commit(tmp_path, udhr=evaluation(40))
    commit(tmp_path, udhr=evaluation(50, asked="others"))
    assert "The test questions of udhr aren't the same" in script.compare(tmp_path, "HEAD^1", "HEAD")


def test_nothing_new_is_said(tmp_path: Path, script: ModuleType) -> None:
    commit(tmp_path, udhr=evaluation(40))
    assert "nothing was measured anew" in script.compare(tmp_path, "HEAD", "HEAD")
    with pytest.raises(SystemExit, match="no git revision 'nowhere'"):
        script.compare(tmp_path, "nowhere", "HEAD")
