"""base-models, of a pinned GGUF file: embeddings and output become one matrix where they were one."""

from pathlib import Path

import gguf
import pytest
import torch
import yaml
from safetensors import safe_open
from transformers import AutoModelForCausalLM, PreTrainedModel, Qwen2Config, Qwen2ForCausalLM

from charter.project.model_sections import BaseModels, ModelSource
from charter.project.params import Params
from charter.project.paths import ProjectPaths
from charter.project.storage import file_sha256
from charter.serving.gguf_file import write_gguf
from charter.stages import base_models
from small_tokenizers import qwen

pytestmark = pytest.mark.models

FIVE_BITS = gguf.GGMLQuantizationType.Q5_0


@pytest.fixture
def untied() -> PreTrainedModel:
    """A tiny model whose embeddings and output were learnt apart."""
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = Qwen2Config(**shape, num_key_value_heads=2, vocab_size=len(qwen()), tie_word_embeddings=False)
    return Qwen2ForCausalLM(config).eval()


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectPaths:
    monkeypatch.setenv("CHARTER_CACHE", str(tmp_path / "cache"))
    return ProjectPaths(tmp_path / "project")


def built(model: PreTrainedModel, params: Params, paths: ProjectPaths, folder: Path) -> Path:
    """Pin the model as a GGUF file of 8 bits, and run the stage; the file is returned."""
    file = folder / "tiny.gguf"
    write_gguf(file, model, qwen(), "q8_0", "tiny")
    cached = folder / "cache" / file_sha256(file)
    cached.parent.mkdir()
    cached.symlink_to(file)
    mirror = {"kind": "hub", "repository": "acme/tiny", "member": file.name}
    pinned = {"name": file.name, "sha256": cached.name, "mirrors": [mirror]}
    paths.pinned("models").parent.mkdir(parents=True)
    paths.pinned("models").write_text(yaml.safe_dump({"tiny": {"licence": None, "files": [pinned]}}))
    source = ModelSource(artifact="tiny")
    models = BaseModels(seed=source, teacher=source, encoder=source)
    base_models.run(params.model_copy(update={"base_models": models}), paths)
    return file


def tensors(file: Path) -> dict[str, torch.Tensor]:
    return {
        tensor.name: torch.tensor(gguf.quants.dequantize(tensor.data, tensor.tensor_type))
        for tensor in gguf.GGUFReader(file).tensors
    }


def test_a_matrix_that_a_file_has_twice_is_tied_and_the_finer_one_stays(
    untied: PreTrainedModel, params: Params, paths: ProjectPaths, tmp_path: Path
) -> None:
    learnt = untied.get_output_embeddings().weight.detach()
    rounded = gguf.quants.dequantize(gguf.quants.quantize(learnt.numpy(), FIVE_BITS), FIVE_BITS)
    untied.get_input_embeddings().weight.data = torch.tensor(rounded)
    file = built(untied, params, paths, tmp_path)
    output = tensors(file)["output.weight"]
    assert not torch.equal(output, tensors(file)["token_embd.weight"])

    assert not list(paths.seed.glob("*.gguf"))
    with safe_open(paths.seed / "model.safetensors", "pt") as saved:
        assert "lm_head.weight" not in saved.keys()  # noqa: SIM118
        assert saved.get_tensor("model.embed_tokens.weight").equal(output)
    model = AutoModelForCausalLM.from_pretrained(paths.seed)
    assert model.config.tie_word_embeddings
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert model.num_parameters() == untied.num_parameters() - output.numel()
    read = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file=file.name, dtype=torch.float32)
    read.get_input_embeddings().weight.data = output
    prompt = torch.tensor([[5, 6, 7]])
    torch.testing.assert_close(model(prompt).logits, read(prompt).logits)


def test_matrices_that_were_learnt_apart_stay_apart(
    untied: PreTrainedModel, params: Params, paths: ProjectPaths, tmp_path: Path
) -> None:
    file = built(untied, params, paths, tmp_path)
    model = AutoModelForCausalLM.from_pretrained(paths.seed)
    assert not model.config.tie_word_embeddings
    assert model.get_input_embeddings().weight.equal(tensors(file)["token_embd.weight"])
    assert model.get_output_embeddings().weight.equal(tensors(file)["output.weight"])
