"""base-models: the seed, the teacher and the encoder, as local folders."""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig, PreTrainedModel
from transformers.utils.logging import disable_progress_bar

from charter.generation.teacher import teacher_model
from charter.project.model_files import fetch_model
from charter.project.params import Params
from charter.project.paths import ProjectPaths

SAME_MATRIX = 0.95
"""From this cosine of their rows on, two matrices are one that was rounded twice."""


def run(params: Params, paths: ProjectPaths) -> dict[str, Any]:
    """Fetch the three base models; a seed in GGUF becomes a float32 transformers folder."""
    disable_progress_bar()
    sources, pinned = params.base_models, paths.pinned("models")
    fetch_model(sources.teacher, paths.teacher, pinned)
    if sources.teacher.served is not None:
        # Before gigabytes are fetched, as its server may be down.
        teacher_model(params, paths).record()
    fetch_model(sources.encoder, paths.encoder, pinned)
    fetch_model(sources.seed, paths.seed, pinned)
    for gguf in paths.seed.glob("*.gguf"):
        dequantize(gguf)
        gguf.unlink()
    return {}


def dequantize(gguf: Path) -> None:
    """Save a GGUF model as float32 safetensors, with its tokenizer, in the folder it lies in.

    Padding gets a token of its own: where it is also the end of a turn, training masks that out of the
    labels and the model never learns to stop.
    """
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent,
        quantization_config=GgufConfig(dequantize=True),
        gguf_file=gguf.name,
        dtype=torch.float32,
    )
    tie_rounded_twice(model)
    if tokenizer.pad_token_id in (None, tokenizer.eos_token_id):
        tokenizer.pad_token = tokenizer.unk_token
    model.config.pad_token_id = model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.save_pretrained(gguf.parent)
    tokenizer.save_pretrained(gguf.parent)


@torch.no_grad()
def tie_rounded_twice(model: PreTrainedModel) -> None:
    """Tie embeddings and output where a file has one matrix as both, rounded to different types.

    GGUF doesn't say what is tied, and transformers ties only where a file has no output. Of the two matrices
    the output stays: llama.cpp gives it as many bits as the embeddings, or more.
    """
    embeddings, output = model.get_input_embeddings(), model.get_output_embeddings()
    if torch.cosine_similarity(embeddings.weight, output.weight).median() >= SAME_MATRIX:
        embeddings.weight = output.weight
        model.config.tie_word_embeddings = True
