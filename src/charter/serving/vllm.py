"""The command that serves on a GPU: vLLM over the seed, with the adapter and the evaluated wording."""

import shutil
from pathlib import Path

from charter.project.devices import resolve_device, resolve_dtype
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.sections import Compute
from charter.project.storage import read_json, write_text
from charter.serving.prompts import wording_template
from charter.serving.running import Address
from charter.training.models import load_tokenizer

_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""The ranks that vLLM makes room for; it takes 16 unless it is told."""


def is_here(compute: Compute) -> bool:
    """Whether models run on a GPU here, and vLLM is installed."""
    return resolve_device(compute).type == "cuda" and shutil.which("vllm") is not None


def vllm_command(seed: Path, adapter: Path, name: str, params: Params, address: Address) -> list[str]:
    """Return the command that serves an adapter under ``name``; its chat template is written beside it.

    It answers greedily unless it is asked otherwise, as in evaluation.
    """
    rank = read_json(adapter / "adapter_config.json")["r"]
    room = next((size for size in _RANKS if size >= rank), rank)
    template = adapter.parent / f"{adapter.name}.jinja"
    write_text(template, wording_template(load_tokenizer(seed).chat_template))
    dtype = str(resolve_dtype(params.compute)).removeprefix("torch.")
    weights = [] if params.compute.quantization == "none" else ["--quantization", "bitsandbytes"]
    return [
        *("vllm", "serve", str(seed), "--host", address.host, "--port", str(address.port)),
        *("--enable-lora", "--lora-modules", f"{name}={adapter}", "--max-lora-rank", str(room)),
        *("--chat-template", str(template), "--chat-template-content-format", "string"),
        *("--generation-config", "vllm", "--override-generation-config", '{"temperature": 0.0}'),
        *("--dtype", dtype, *weights),
    ]


def vllm_environment(keys: list[str]) -> dict[str, str]:
    """Return what vLLM reads its key from, which a command line would show to everybody on the machine.

    Raises:
        CharterError: There are several, and vLLM reads one.
    """
    if len(keys) > 1:
        raise CharterError("CHARTER_SERVE_KEYS has several keys, but vLLM reads one from its environment")
    return {"VLLM_API_KEY": keys[0]} if keys else {}
