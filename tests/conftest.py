"""What tests share: the pinned embedded models, and a tiny model of the seed's kind."""

from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from charter.params import Params, load_params
from charter.paths import ProjectPaths
from charter.stages import base_models as base_models_stage

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def params() -> Params:
    """The committed params.yaml."""
    return load_params(ROOT / "params.yaml")


@pytest.fixture(scope="session")
def base_models(params: Params, tmp_path_factory: pytest.TempPathFactory) -> ProjectPaths:
    """A project folder whose models/base holds the pinned seed, teacher and encoder."""
    paths = ProjectPaths(tmp_path_factory.mktemp("project"))
    built = ProjectPaths(ROOT)
    if all(folder.is_dir() for folder in (built.seed, built.teacher, built.encoder)):
        paths.seed.parent.mkdir(parents=True)
        for name in ("seed", "teacher", "encoder"):
            (paths.seed.parent / name).symlink_to(built.seed.parent / name)
    else:
        base_models_stage.run(params, paths)
    return paths


@pytest.fixture(scope="session")
def tiny_seed(base_models: ProjectPaths, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random two-layer model with the seed's tokenizer: a transformers folder of a few megabytes."""
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
    return folder
