"""What tests share: the pinned embedded models, a tiny model of the seed's kind, and scripts.

torch and what builds on it take seconds to import, so fixtures do it: most tests need none of them.
"""

import importlib.util
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from charter.project.params import Params, load_params
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.records import Demonstration, InstructExample, PreferencePair, content_id
from charter.project.storage import write_json, write_rows
from rows import chunk_of

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def params() -> Params:
    """The committed params.yaml."""
    return load_params(ROOT / "params.yaml")


@pytest.fixture(scope="session")
def base_models(params: Params, tmp_path_factory: pytest.TempPathFactory) -> ProjectPaths:
    """A project folder whose models/base holds the pinned seed, teacher and encoder."""
    from charter.stages import base_models as base_models_stage

    paths = ProjectPaths(tmp_path_factory.mktemp("project"))
    built = ProjectPaths(ROOT)
    if all(folder.is_dir() for folder in (built.seed, built.teacher, built.encoder)):
        paths.seed.parent.mkdir(parents=True)
        for name in ("seed", "teacher", "encoder"):
            (paths.seed.parent / name).symlink_to(built.seed.parent / name)
    else:
        shutil.copytree(ROOT / "data/pinned", paths.root / "data/pinned")
        base_models_stage.run(params, paths)
    return paths


@pytest.fixture(scope="session")
def tiny_seed(base_models: ProjectPaths, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random two-layer model with the seed's tokenizer: a transformers folder of a few megabytes."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("tiny-seed")
    tokenizer = AutoTokenizer.from_pretrained(base_models.seed)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    write_json(folder / "source.json", {"artifact": "tiny"})
    return folder


@pytest.fixture
def tiny_project(tiny_seed: Path, base_models: ProjectPaths, tmp_path: Path) -> CorpusPaths:
    """A project with a tiny seed and a few rows of every kind, validation splits empty."""
    paths = ProjectPaths(tmp_path).corpus("bcg")
    paths.seed.parent.mkdir(parents=True)
    paths.seed.symlink_to(tiny_seed)
    paths.encoder.symlink_to(base_models.encoder)
    texts = [f"Gifts above {amount} euros need the consent of the manager." for amount in range(20, 26)]
    chunk = content_id("chunk")
    chunks = [chunk_of(text, document="code") for text in texts]
    write_rows(paths.chunks, chunks)
    write_rows(
        paths.instruct("train"),
        (
            InstructExample(
                id=content_id(text),
                chunk_id=own.id,
                rule="",
                style="rule",
                question="And gifts?",
                answer=text,
            )
            for text, own in zip(texts, chunks, strict=True)
        ),
    )
    write_rows(
        paths.preference("train"),
        (
            PreferencePair(
                id=content_id(text),
                rule="",
                chunk_id=chunk,
                prompt="A supplier sends wine.",
                chosen=text,
                rejected="Keep it.",
            )
            for text in texts
        ),
    )
    write_rows(paths.instruct("validation"), [])
    write_rows(paths.preference("validation"), [])
    write_rows(
        paths.demonstrations,
        [
            Demonstration(
                id=chunk, kind="harmful", prompt="How do I steal?", response="I can't help with theft."
            )
        ],
    )
    return paths


@pytest.fixture
def load_script(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Load a script by its path below the project's folder, without the suffix."""

    def load(name: str) -> ModuleType:
        module_name = f"{Path(name).stem}_script"
        monkeypatch.syspath_prepend(str((ROOT / name).parent))
        spec = importlib.util.spec_from_file_location(module_name, ROOT / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, module_name, module)
        spec.loader.exec_module(module)
        return module

    return load
