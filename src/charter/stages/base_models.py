"""base-models: the seed, the teacher and the encoder, as local folders."""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
from transformers.utils.logging import disable_progress_bar

from charter.generation.teacher import record_served
from charter.project.hub_models import fetch_hub_model
from charter.project.params import Params
from charter.project.paths import ProjectPaths
from charter.project.pinned_files import lay_out, pinned_set
from charter.project.sections import ModelSource
from charter.project.storage import write_json


def run(params: Params, paths: ProjectPaths) -> dict[str, Any]:
    """Fetch the three base models; a seed in GGUF becomes a float32 transformers folder."""
    disable_progress_bar()
    sources, pinned = params.base_models, paths.pinned("models")
    _fetch(sources.encoder, paths.encoder, pinned)
    _fetch(sources.teacher, paths.teacher, pinned)
    _fetch(sources.seed, paths.seed, pinned)
    if sources.teacher.served is not None:
        record_served(params, paths)
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
    if tokenizer.pad_token_id in (None, tokenizer.eos_token_id):
        tokenizer.pad_token = tokenizer.unk_token
    model.config.pad_token_id = model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.save_pretrained(gguf.parent)
    tokenizer.save_pretrained(gguf.parent)


def _fetch(source: ModelSource, folder: Path, pinned: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if source.artifact is not None:
        lay_out(pinned_set(pinned, source.artifact), folder)
    elif source.hub is not None:
        fetch_hub_model(source.hub, folder)
    write_json(folder / "source.json", source.model_dump(exclude_none=True))
