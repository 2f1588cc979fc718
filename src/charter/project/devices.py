"""Where torch runs and in what type, by params.yaml."""

import os
import sys

import torch

from charter.project.errors import CharterError
from charter.project.sections import Compute

_NOTABLE = 0.1
"""Share of a GPU's memory that others hold, from which it is told: a desktop holds less."""


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
    return torch.bfloat16 if _multiplies_bfloat16(resolve_device(compute)) else torch.float32


def _multiplies_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def held_by_others(device: torch.device) -> str | None:
    """Say how much of a GPU's memory other programs hold, and whose it may be; None where it is little."""
    if device.type != "cuda":
        return None
    free, total = torch.cuda.mem_get_info(device)
    held = total - free - torch.cuda.memory_reserved(device)
    if held < _NOTABLE * total:
        return None
    return (
        f"other programs hold {held / 2**30:.1f} of the {total / 2**30:.1f} GiB of GPU {device.index or 0}. "
        "If the teacher's server is one of them: docs/gpus-and-clusters.md, Teacher and trainer on one GPU"
    )


def tell_limits(compute: Compute) -> None:
    """Write to stderr what will make a model slow here, or keep it from fitting, before it is loaded."""
    device = resolve_device(compute)
    if held := held_by_others(device):
        sys.stderr.write(f"{held}\n")
    if compute.dtype == "bfloat16" and not _multiplies_bfloat16(device):
        sys.stderr.write(
            "compute.dtype is bfloat16, which this device only emulates, several times slower than float32: "
            "auto takes what it multiplies\n"
        )
