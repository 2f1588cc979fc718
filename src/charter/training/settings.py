"""From Charter's parameters to those of trl and peft."""

from typing import Any

import torch
from peft import LoraConfig

from charter.models import resolve_device, resolve_dtype
from charter.params import Compute, Dpo, Lora, Training


def lora_config(lora: Lora) -> LoraConfig:
    """Adapt all linear layers but the output head (Hu et al., 2022; Dettmers et al., 2023)."""
    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )


def trainer_arguments(
    settings: Training | Dpo, compute: Compute, seed: int, output_dir: str, evaluated: bool
) -> dict[str, Any]:
    """Return what SFTConfig and DPOConfig have in common, and what trl's defaults get wrong for us.

    Every step is logged, nothing is reported elsewhere, no checkpoint is kept, and an evaluation follows
    each epoch where the training is ``evaluated``.
    """
    device = resolve_device(compute)
    return {
        "output_dir": output_dir,
        "learning_rate": settings.learning_rate,
        "num_train_epochs": settings.epochs,
        "per_device_train_batch_size": settings.batch_size,
        "per_device_eval_batch_size": settings.batch_size,
        "gradient_accumulation_steps": settings.gradient_accumulation,
        "warmup_steps": settings.warmup_share,
        "weight_decay": settings.weight_decay,
        "max_length": settings.max_length,
        "gradient_checkpointing": settings.gradient_checkpointing,
        "bf16": resolve_dtype(compute) is torch.bfloat16,
        "use_cpu": device.type == "cpu",
        "dataloader_pin_memory": device.type == "cuda",
        "seed": seed,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "eval_strategy": "epoch" if evaluated else "no",
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
    }
