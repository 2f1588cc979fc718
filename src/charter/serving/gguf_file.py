"""A causal language model as one GGUF file, the format that llama.cpp and what builds on it read.

The `gguf` package knows the format, the names of tensors and how weights are rounded. What it leaves to its
user is here: which architectures are written, in what order llama.cpp wants the rows of queries and keys,
and how the angles of rotary embeddings are scaled.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import gguf
import numpy as np
import torch
from transformers import PretrainedConfig, PreTrainedModel

from charter.serving.gguf_vocabulary import unwritable, write_vocabulary

GgufWeights = Literal["f32", "bf16", "f16", "q8_0"]
"""How the matrices are held: float32, the two of 16 bits, or 8 bits with a scale for each 32 weights."""

_ARCHITECTURES = {
    "llama": gguf.MODEL_ARCH.LLAMA,
    "mistral": gguf.MODEL_ARCH.LLAMA,
    "qwen2": gguf.MODEL_ARCH.QWEN2,
}
"""What is written, by transformers' ``model_type``; llama.cpp has no architecture of Mistral's own."""

_TYPES = {
    "f32": (gguf.GGMLQuantizationType.F32, gguf.LlamaFileType.ALL_F32),
    "bf16": (gguf.GGMLQuantizationType.BF16, gguf.LlamaFileType.MOSTLY_BF16),
    "f16": (gguf.GGMLQuantizationType.F16, gguf.LlamaFileType.MOSTLY_F16),
    "q8_0": (gguf.GGMLQuantizationType.Q8_0, gguf.LlamaFileType.MOSTLY_Q8_0),
}


def expect_architecture(config: PretrainedConfig) -> None:
    """Raise a CharterError where a model of this configuration can't be written as GGUF."""
    rope = _rope(config)["rope_type"]
    if config.model_type not in _ARCHITECTURES:
        raise unwritable(f"for architecture {config.model_type}")
    if config.hidden_act != "silu":
        raise unwritable(f"for {config.model_type} with the activation {config.hidden_act}")
    if rope not in ("default", "llama3"):
        raise unwritable(f"for {config.model_type} with rotary embeddings of type {rope}")


def write_gguf(path: Path, model: PreTrainedModel, tokenizer: Any, weights: GgufWeights, name: str) -> None:
    """Write a model and its tokenizer, chat template too, into one file.

    Vectors, such as the weights of norms, stay in float32, as llama.cpp wants them. A matrix whose rows
    can't be cut into blocks of the type asked for is written in float16.

    Args:
        path: The file.
        model: On the processor, its adapter merged.
        tokenizer: The model's.
        weights: The type of the matrices.
        name: What programs show as the model's name.

    Raises:
        CharterError: The model's architecture or its tokenizer has no form here.
    """
    config = model.config
    expect_architecture(config)
    quantization, file_type = _TYPES[weights]
    architecture = _ARCHITECTURES[config.model_type]
    writer = gguf.GGUFWriter(path, gguf.MODEL_ARCH_NAMES[architecture])
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name(name)
    writer.add_file_type(file_type)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    _write_shape(writer, config)
    write_vocabulary(writer, tokenizer, config.vocab_size)
    for key, values, held in _tensors(model, architecture, quantization):
        # Rounded when it is written: all of them at once would take the memory of the model once more.
        lazy = gguf.LazyNumpyTensor(
            meta=gguf.LazyNumpyTensor.meta_with_dtype_and_shape(np.float32, tuple(values.shape)),
            args=(values,),
            func=lambda values: values.to(torch.float32).numpy(),
        )
        writer.add_tensor(key, gguf.quants.quantize(lazy, held), raw_dtype=held)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file(progress=sys.stderr.isatty())
    writer.close()


def _write_shape(writer: gguf.GGUFWriter, config: PretrainedConfig) -> None:
    """Write what a reader builds the network by."""
    head = _head_size(config)
    # llama.cpp attends to all that was read, so what it reads must fit the window.
    window = getattr(config, "sliding_window", None) or config.max_position_embeddings
    writer.add_context_length(min(config.max_position_embeddings, window))
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(head)
    writer.add_rope_freq_base(_rope(config)["rope_theta"])
    writer.add_vocab_size(config.vocab_size)


def _tensors(
    model: PreTrainedModel, architecture: gguf.MODEL_ARCH, matrices: gguf.GGMLQuantizationType
) -> Iterator[tuple[str, torch.Tensor, gguf.GGMLQuantizationType]]:
    """Yield the tensors with their names and types in the file."""
    config = model.config
    names = gguf.get_tensor_name_map(architecture, config.num_hidden_layers)
    if (factors := _rope_factors(model)) is not None:
        name = gguf.TENSOR_NAMES[gguf.MODEL_TENSOR.ROPE_FREQS]
        yield f"{name}.weight", factors, gguf.GGMLQuantizationType.F32
    for key, values in model.state_dict().items():
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue  # readers take the embeddings where there is no output
        name = names.get_name(key, try_suffixes=(".weight", ".bias"))
        if name is None:
            raise unwritable(f"for {config.model_type} with the tensor {key}")
        if architecture is gguf.MODEL_ARCH.LLAMA and ".q_proj." in key:
            values = _interleaved(values, config.num_attention_heads)
        elif architecture is gguf.MODEL_ARCH.LLAMA and ".k_proj." in key:
            values = _interleaved(values, config.num_key_value_heads)
        yield name, values, _type_of(values, matrices)


def _interleaved(values: torch.Tensor, heads: int) -> torch.Tensor:
    """Reorder the rows (or biases) of queries or keys, (heads x size, ...), from halves to pairs.

    Rotary embeddings turn pairs of a head's components. transformers pairs the first of one half with the
    first of the other; llama.cpp, for this architecture, pairs neighbours, as Su et al. (2021,
    arXiv 2104.09864, equation 34) do.
    """
    halves = values.reshape(heads, 2, -1, *values.shape[1:])
    return halves.transpose(1, 2).reshape(values.shape)


def _type_of(values: torch.Tensor, matrices: gguf.GGMLQuantizationType) -> gguf.GGMLQuantizationType:
    if values.ndim == 1:
        return gguf.GGMLQuantizationType.F32
    block, _ = gguf.GGML_QUANT_SIZES[matrices]
    return matrices if values.shape[-1] % block == 0 else gguf.GGMLQuantizationType.F16


def _rope_factors(model: PreTrainedModel) -> torch.Tensor | None:
    """Return by what llama.cpp divides the angle of each pair; None where the base alone gives it."""
    if _rope(model.config)["rope_type"] == "default":
        return None
    size = _head_size(model.config)
    exponents = torch.arange(0, size, 2, dtype=torch.float32) / size
    plain = torch.pow(_rope(model.config)["rope_theta"], -exponents)
    scaled: torch.Tensor = model.get_decoder().rotary_emb.inv_freq
    return plain / scaled.float()


def _head_size(config: PretrainedConfig) -> int:
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return int(size)


def _rope(config: PretrainedConfig) -> dict[str, Any]:
    return getattr(config, "rope_parameters", None) or {"rope_type": "unknown"}
