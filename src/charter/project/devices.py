"""Where torch runs and in what type, by params.yaml."""

import os

import torch

from charter.project.errors import CharterError
from charter.project.sections import Compute


def resolve_device(compute: Compute) -> torch.device:
    """Return the device to run on; ``auto`` is a GPU where there is one.

    Of several processes on a machine each has the GPU of its number there (``LOCAL_RANK``); one alone has
    the first.

    Raises:
        CharterError: CUDA is asked for and torch sees no GPU, or there are fewer GPUs than processes.
    """
    available = torch.cuda.is_available()
    if compute.device == "cuda" and not available:
        raise CharterError("compute.device is cuda, but torch sees no GPU; set it to auto or cpu")
    if not available or compute.device == "cpu":
        return torch.device("cpu")
    number, gpus = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if number >= gpus:
        raise CharterError(f"process {number + 1} here has no GPU: lower compute.processes to {gpus}")
    return torch.device("cuda", number)


def resolve_dtype(compute: Compute) -> torch.dtype:
    """Return the type to compute in; ``auto`` is bfloat16 where the device multiplies it natively."""
    if compute.dtype != "auto":
        return torch.float32 if compute.dtype == "float32" else torch.bfloat16
    if resolve_device(compute).type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if native else torch.float32
