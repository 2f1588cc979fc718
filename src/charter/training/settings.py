"""From Charter's parameters to those of trl and peft."""

from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig

from charter.project.devices import resolve_device, resolve_dtype
from charter.project.sections import Compute, Dpo, Lora, Training


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
    settings: Training | Dpo,
    compute: Compute,
    seed: int,
    run: Path,
    evaluated: bool = False,
    best_epoch: bool = False,
) -> dict[str, Any]:
    """Return what SFTConfig and DPOConfig have in common, and what trl's defaults get wrong for us.

    Every step is logged, nothing is reported elsewhere, `charter.training.checkpoints` says when a
    checkpoint is written in the folder ``run``. Where the training is ``evaluated``, an evaluation follows
    each epoch; with ``best_epoch`` it ends with the weights that had the lowest loss on the held-out rows.
    """
    best_epoch = best_epoch and evaluated
    device = resolve_device(compute)
    return {
        "output_dir": str(run),
        "learning_rate": settings.learning_rate,
        "num_train_epochs": settings.epochs,
        "per_device_train_batch_size": settings.batch_size,
        "per_device_eval_batch_size": settings.batch_size,
        "gradient_accumulation_steps": settings.gradient_accumulation,
        "warmup_steps": settings.warmup_share,
        "weight_decay": settings.weight_decay,
        "max_length": settings.max_length,
        "activation_checkpointing": settings.gradient_checkpointing,
        "bf16": resolve_dtype(compute) is torch.bfloat16,
        "use_cpu": device.type == "cpu",
        "dataloader_pin_memory": device.type == "cuda",
        "seed": seed,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "eval_strategy": "epoch" if evaluated else "no",
        "save_strategy": "best" if best_epoch else "no",
        "load_best_model_at_end": best_epoch,
        "metric_for_best_model": "eval_loss" if best_epoch else None,
        # The last one stays until the next is sealed.
        "save_total_limit": 2,
        "include_num_input_tokens_seen": "non_padding",
        # Every adapter weight has its part in every step.
        "ddp_find_unused_parameters": False,
        "report_to": "none",
        "disable_tqdm": True,
    }
