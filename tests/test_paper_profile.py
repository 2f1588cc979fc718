"""The profile `paper` through all stages, as on GPUs: its sizes and its device are others.

A seed of Mistral's architecture comes from a hub, is held in 4 bits, and learns from a teacher behind an HTTP
server, which plays the strong one with replies that were written by hand.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from clones import clone
from hub_server import COMMIT, serving_hub
from local_server import serving
from params_text import set_value
from strong_teacher.replies import HERE
from strong_teacher.server import MODEL, StrongTeacher

pytestmark = pytest.mark.models

ROOT = Path(__file__).parent.parent

SIZES = {
    "demonstrations": {"harmful": 3, "benign": 3, "general": 3, "replay": 3},
    "synthesize": {"min_train_examples": 5},
    "sft": {"epochs": 1},
    "evaluate": {
        "max_new_tokens": 8,
        "bootstrap_samples": 100,
        "judge_items": 4,
        "safety_prompts": 4,
        "everyday_facts": 4,
    },
}
"""What of the profile is smaller here."""


@pytest.fixture
def teacher() -> Iterator[StrongTeacher]:
    with serving(StrongTeacher()) as server:
        yield server


@pytest.fixture
def seed_files(tiny_seed: Path, tmp_path: Path) -> dict[str, bytes]:
    """A hub's files of a small model of Mistral's architecture, with random weights."""
    import torch
    from transformers import LlamaConfig, MistralConfig, MistralForCausalLM

    folder = tmp_path / "mistral"
    shutil.copytree(tiny_seed, folder)
    shape = LlamaConfig.from_pretrained(folder).to_dict()
    config = MistralConfig(
        **{name: shape[name] for name in shape if name not in ("model_type", "architectures")}
    )
    torch.manual_seed(0)
    MistralForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    (folder / "source.json").unlink()
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_the_paper_profile_runs_from_a_hub_and_a_server_to_the_report(
    teacher: StrongTeacher, seed_files: dict[str, bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "charter"
    with serving_hub(seed_files, tmp_path / "unused") as hub:
        run = clone(ROOT, folder, HF_ENDPOINT=hub.url, HF_HOME=str(tmp_path / "hub-cache"))
        document = HERE / "documents/deu.html"
        run("charter", "add", "erklaerung", str(document), "--title", "Allgemeine Erklärung")
        run("charter", "profile", "paper")
        params = folder / "params.yaml"
        values = yaml.safe_load(params.read_text())
        text = set_value(params.read_text(), ("corpora",), {"erklaerung": values["corpora"]["erklaerung"]})
        text = set_value(text, ("base_models", "seed", "hub"), f"acme/model@{COMMIT}")
        text = set_value(text, ("base_models", "teacher", "served"), MODEL)
        text = set_value(text, ("teacher", "base_url"), teacher.url)
        text = set_value(text, ("compute", "device"), "cpu")
        # bfloat16 where the processor multiplies it.
        text = set_value(text, ("compute", "dtype"), "auto")
        for section, sizes in SIZES.items():
            for name, size in sizes.items():
                text = set_value(text, (section, name), size)
        text = set_value(text, ("arms",), {"swapped": {"corpus": "erklaerung", "dpo": "swapped"}})
        params.write_text(text)
        run("dvc", "repro", "report")
        rows = json.loads(run("charter", "results", "--json"))
        arms = json.loads(run("charter", "arms", "erklaerung", "--json"))
        assert teacher.unknown == []
    assert "model.safetensors" in hub.sent
    synthesis = json.loads((folder / "data/metrics/erklaerung/synthesize.json").read_text())
    assert synthesis["instruct"]["kept"] > 10
    assert synthesis["preference"]["kept"] > 10
    for system in ("sft", "dpo"):
        adapter = json.loads((folder / f"models/{system}/erklaerung/adapter_config.json").read_text())
        assert adapter["r"] == values["sft"]["lora"]["rank"]
    answered = {(row["system"], row["rag"]) for row in rows if row["metric"] == "bleu"}
    assert {("dpo", True), ("dpo", False), ("teacher", True)} <= answered
    assert [arm["arm"] for arm in arms] == ["swapped"]
    assert (folder / "models/arms/swapped/dpo/adapter_model.safetensors").is_file()
    report = (folder / "reports/index.html").read_text(encoding="utf-8")
    assert "Allgemeine Erklärung" in report
    assert "swapped: pairs swapped" in report
