"""GGUF files of every kind that is written, read back by transformers: the same tokens in, the same out."""

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GemmaConfig,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from charter.project.errors import CharterError
from charter.serving.gguf_file import expect_architecture, write_gguf
from small_tokenizers import TEMPLATE, TEXTS, byte_level, gpt2, qwen, wrapped

pytestmark = pytest.mark.models

SHAPE = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
}


def sentencepiece() -> PreTrainedTokenizerFast:
    """A tokenizer of Mistral's kind: BPE over characters, bytes for the others, bos in front."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trained.train_from_iterator(TEXTS[:2] * 3, trainers.BpeTrainer(vocab_size=200, show_progress=False))
    learnt = json.loads(trained.to_str())["model"]
    pieces = sorted(learnt["vocab"], key=learnt["vocab"].get)
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *pieces]
    merges = [tuple(merge) for merge in learnt["merges"]]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(
        models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", 1)]
    )
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    return wrapped(tokenizer, bos="<s>", eos="</s>", pad="<unk>", unk_token="<unk>")


CASES: dict[str, Any] = {
    "llama": (LlamaConfig, LlamaForCausalLM, gpt2, {"tie_word_embeddings": True, "attention_bias": True}),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM, qwen, {"tie_word_embeddings": False}),
    "mistral": (MistralConfig, MistralForCausalLM, sentencepiece, {"sliding_window": 64, "head_dim": 16}),
}


@pytest.mark.parametrize("kind", CASES)
def test_what_is_read_back_is_what_was_written(kind: str, tmp_path: Path) -> None:
    config_class, model_class, make_tokenizer, options = CASES[kind]
    tokenizer = make_tokenizer()
    torch.manual_seed(0)
    # Some rows more than tokens, as many models have.
    config = config_class(**SHAPE, **options, vocab_size=len(tokenizer) + 5, initializer_range=0.3)
    model = model_class(config).eval()
    for name, values in model.named_parameters():
        if name.endswith("bias") or "norm" in name:
            torch.nn.init.normal_(values, mean=0.5)
    write_gguf(tmp_path / "tiny.gguf", model, tokenizer, "f32", "tiny")

    # The reader of transformers knows of no biases in a llama, unless it is told.
    known = {"config": config} if getattr(config, "attention_bias", False) else {}
    read = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file="tiny.gguf", dtype=torch.float32, **known)
    again = AutoTokenizer.from_pretrained(tmp_path, gguf_file="tiny.gguf")
    for text in TEXTS:
        assert again(text)["input_ids"] == tokenizer(text)["input_ids"]
    assert again.chat_template == TEMPLATE
    assert (again.bos_token, again.eos_token) == (tokenizer.bos_token, tokenizer.eos_token)
    prompt = torch.tensor([tokenizer(TEXTS[0])["input_ids"]])
    torch.testing.assert_close(read(prompt).logits, model(prompt).logits)
    assert read.config.max_position_embeddings == (64 if kind == "mistral" else 128)


def test_weights_of_each_type_are_as_near_as_it_allows(tmp_path: Path) -> None:
    tokenizer = gpt2()
    torch.manual_seed(0)
    config = LlamaConfig(**(SHAPE | {"intermediate_size": 72}), vocab_size=len(tokenizer))
    model = LlamaForCausalLM(config).to(torch.bfloat16).eval()
    errors, sizes = {}, {}
    for weights in ("f32", "bf16", "f16", "q8_0"):
        path = tmp_path / f"{weights}.gguf"
        write_gguf(path, model, tokenizer, weights, "tiny")
        tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
        found = tensors["blk.1.ffn_up.weight"]
        read = gguf.quants.dequantize(found.data, found.tensor_type)
        expected = model.model.layers[1].mlp.up_proj.weight.float().detach().numpy()
        errors[weights] = float(np.abs(read - expected).max() / np.abs(expected).max())
        sizes[weights] = path.stat().st_size
        assert tensors["blk.1.attn_norm.weight"].tensor_type == gguf.GGMLQuantizationType.F32
        down = tensors["blk.1.ffn_down.weight"].tensor_type  # rows of 72 have no blocks of 32
        assert (down == gguf.GGMLQuantizationType.F16) == (weights in ("f16", "q8_0"))
    assert errors["f32"] == errors["bf16"] == 0
    assert errors["f16"] < 1e-3 < errors["q8_0"] < 1e-2
    assert sizes["f32"] > sizes["bf16"] == sizes["f16"] > sizes["q8_0"]


@pytest.mark.parametrize(
    ("tokenizer", "name"),
    [
        (gpt2, "gpt-2"),
        (lambda: gpt2(pre_tokenizers.Digits(individual_digits=True)), "smollm"),
        (qwen, "qwen2"),
    ],
)
def test_the_way_of_cutting_words_is_named_as_llama_cpp_does(
    tokenizer: Any, name: str, tmp_path: Path
) -> None:
    fields = written(tmp_path, tokenizer()).fields
    assert fields["tokenizer.ggml.pre"].contents() == name
    types = fields["tokenizer.ggml.token_type"].contents()
    tokens = fields["tokenizer.ggml.tokens"].contents()
    kinds = dict(zip(tokens, types, strict=True))
    assert kinds["<|im_end|>"] == gguf.TokenType.CONTROL
    assert kinds["<think>"] == gguf.TokenType.USER_DEFINED
    assert kinds["e"] == gguf.TokenType.NORMAL


def test_scaled_rotary_embeddings_keep_their_factors(tmp_path: Path) -> None:
    rope = {
        "rope_type": "llama3",
        "rope_theta": 10000.0,
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64,
    }
    tensors = written(tmp_path, gpt2(), rope_parameters=rope).tensors
    [factors] = [tensor.data for tensor in tensors if tensor.name == "rope_freqs.weight"]
    # Waves that are short beside the original context stay; long ones are eight times longer.
    assert factors[0] == pytest.approx(1)
    assert factors[-1] == pytest.approx(8)


def written(folder: Path, tokenizer: PreTrainedTokenizerFast, **options: Any) -> gguf.GGUFReader:
    model = LlamaForCausalLM(LlamaConfig(**SHAPE, vocab_size=len(tokenizer), **options))
    write_gguf(folder / "tiny.gguf", model, tokenizer, "f16", "tiny")
    return gguf.GGUFReader(folder / "tiny.gguf")


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (GemmaConfig(), "architecture gemma: export the model with --merged"),
        (LlamaConfig(hidden_act="gelu"), "llama with the activation gelu"),
        (
            LlamaConfig(rope_parameters={"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}),
            "llama with rotary embeddings of type linear",
        ),
    ],
)
def test_an_architecture_that_isnt_written_is_named(config: Any, says: str) -> None:
    with pytest.raises(CharterError, match=says):
        expect_architecture(config)


@pytest.mark.parametrize(
    ("tokenizer", "says"),
    [
        (lambda: byte_level(pre_tokenizers.Whitespace()), "cuts words by Whitespace: export"),
        (
            lambda: byte_level(
                pre_tokenizers.ByteLevel(add_prefix_space=False), normalizer=normalizers.Lowercase()
            ),
            "with the normalizer Lowercase",
        ),
        (
            lambda: wrapped(Tokenizer(models.WordLevel({"a": 0, "b": 1}, unk_token="a")), "a", "b", "a"),
            "of kind WordLevel",
        ),
    ],
)
def test_a_tokenizer_that_isnt_written_is_named(tokenizer: Any, says: str, tmp_path: Path) -> None:
    with pytest.raises(CharterError, match=says):
        written(tmp_path, tokenizer())
