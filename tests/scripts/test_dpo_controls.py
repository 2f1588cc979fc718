"""The controls of DPO: which way the pairs move the decisions."""

import shutil
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from charter.evaluation.exam_split import Exam, seal_exam, write_seal
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Chunk, PreferencePair
from charter.project.storage import read_rows, write_rows
from exam_rows import decision_of, dilemma_of, sample_exam, write_exam
from rows import chunk_of
from synthetic_project import ROOT

pytestmark = pytest.mark.models


@pytest.fixture
def script(load_script: Callable[[str], ModuleType]) -> ModuleType:
    return load_script("scripts/dpo_controls")


class Model:
    """Stands for training: what it was trained on is what it says."""

    def __init__(self, script: ModuleType, monkeypatch: pytest.MonkeyPatch, learns: bool) -> None:
        self.share = 0.0
        self.learns = learns
        monkeypatch.setattr(script, "dev_examination", lambda *_: None)
        monkeypatch.setattr(script, "train_on_preferences", self.train)
        monkeypatch.setattr(script, "_decide", self.decide)

    def train(self, rows: list[PreferencePair], *_: Any) -> None:
        faithful = sum(row.chosen.startswith("Ask") for row in rows) / len(rows)
        self.share = (2 * faithful - 1) if self.learns else 1.0

    def decide(self, examination: None, paths: CorpusPaths, system: str, params: Params) -> list[Any]:
        moved = 0.0 if system == "sft" else self.share
        return [
            decision_of(dilemma_of(str(n), f"Part {n % 10}"), margin=0.1 * (n % 3) - 0.1 + 0.2 * moved)
            for n in range(40)
        ]


@pytest.fixture
def project(tiny_project: CorpusPaths) -> CorpusPaths:
    shutil.copy(ROOT / "params.yaml", tiny_project.params)
    pairs = read_rows(tiny_project.preference("train"), PreferencePair)[:1] * 40
    chosen = [row.model_copy(update={"chosen": "Ask the manager.", "rejected": "Keep it."}) for row in pairs]
    write_rows(tiny_project.preference("train"), chosen)
    tiny_project.adapter("sft").mkdir(parents=True)
    return tiny_project


def test_pairs_that_teach_pass_and_others_do_not(
    script: ModuleType,
    project: CorpusPaths,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Model(script, monkeypatch, learns=True)
    assert script.main(["bcg"], project.root) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("pairs as they are: 40 of 40 dilemmas rightly, SFT 13; margin +0.2000 [")
    assert lines[1].startswith("pairs swapped: 0 of 40")
    assert lines[-1] == "the pairs teach values"
    # A model that gets better whatever it is trained on has not learnt it from the pairs.
    Model(script, monkeypatch, learns=False)
    assert script.main(["bcg"], project.root) == 1
    assert capsys.readouterr().out.endswith("NOT shown that the pairs teach values\n")


def test_it_runs_on_real_models_and_leaves_the_project_as_it_was(
    script: ModuleType, tiny_project: CorpusPaths, params: Params, base_models: Any
) -> None:
    from charter.stages import rag_index, sft

    shutil.copy(ROOT / "params.yaml", tiny_project.params)
    tiny_project.encoder.symlink_to(base_models.encoder)
    chunks = read_rows(tiny_project.chunks, Chunk)
    write_rows(tiny_project.chunks, [*chunks, chunk_of("Gifts are reported within 30 days.")])
    rag_index.run(params, tiny_project)
    sft.run(params, tiny_project)
    questions, dilemmas = sample_exam()
    write_exam(tiny_project, questions, dilemmas)
    write_seal(tiny_project.exam_seal, seal_exam(Exam(questions, dilemmas), 42))
    before = {file for file in tiny_project.root.rglob("*") if file.is_file()}
    assert script.main(["bcg"], tiny_project.root) in (0, 1)
    assert {file for file in tiny_project.root.rglob("*") if file.is_file()} == before


def test_a_corpus_without_an_exam_is_told(
    script: ModuleType, project: CorpusPaths, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(["bcg"], project.root) == 1
    assert capsys.readouterr().err
