"""The seed model in torch: loaded to be trained, or with an adapter merged to answer."""

from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, PreTrainedModel
from transformers.utils import is_bitsandbytes_available
from transformers.utils.logging import disable_progress_bar

from charter.project.devices import resolve_device, resolve_dtype
from charter.project.errors import CharterError
from charter.project.sections import Compute


def load_tokenizer(path: Path) -> Any:
    """Load the tokenizer of a model's folder, padding with a token of its own.

    Where padding is also the token that ends an answer, training masks that out of the labels and the
    model never learns to stop; the unknown token takes its place.

    Raises:
        CharterError: The tokenizer has no chat template, or no token to pad with.
    """
    tokenizer = AutoTokenizer.from_pretrained(path)
    if tokenizer.chat_template is None:
        raise CharterError(f"{path}: the tokenizer has no chat template; take an instruction-tuned seed")
    if tokenizer.pad_token_id in (None, tokenizer.eos_token_id):
        tokenizer.pad_token = tokenizer.unk_token
    if tokenizer.pad_token_id in (None, tokenizer.eos_token_id):
        raise CharterError(f"{path}: the tokenizer needs a pad token other than its eos token; add one")
    return tokenizer


def load_seed(path: Path, compute: Compute) -> PreTrainedModel:
    """Load the seed to train adapters over it: in the computing type, or quantised to nf4.

    The weights stay where transformers puts them; the trainer moves them to its device.

    Raises:
        CharterError: nf4 is asked for and bitsandbytes is not installed.
    """
    options: dict[str, Any] = {"dtype": resolve_dtype(compute), "attn_implementation": compute.attention}
    if compute.quantization == "nf4":
        if not is_bitsandbytes_available():
            raise CharterError("compute.quantization is nf4: install bitsandbytes (pip install '.[gpu]')")
        # QLoRA (Dettmers et al., 2023): 4-bit NormalFloat, its constants quantised too.
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=resolve_dtype(compute),
        )
    disable_progress_bar()
    return AutoModelForCausalLM.from_pretrained(path, **options)


def load_adapter(model: PreTrainedModel, folder: Path, trainable: bool = False) -> PeftModel:
    """Lay the adapter in ``folder`` over a model.

    Raises:
        CharterError: There is no adapter.
    """
    if not (folder / "adapter_config.json").is_file():
        raise CharterError(f"{folder}: no adapter; `dvc repro` trains it")
    return PeftModel.from_pretrained(model, folder, is_trainable=trainable)


def load_system(seed: Path, adapter: Path | None, compute: Compute) -> tuple[PreTrainedModel, Any]:
    """Load what answers: the seed, or the seed with ``adapter`` merged, and the tokenizer, padding left.

    The adapter is merged in float32, whatever the model then computes in: a merge in bfloat16 moves
    the logits by 5 % of their spread.

    Returns:
        The model, in evaluation mode on its device, and its tokenizer.

    Raises:
        CharterError: There is no adapter in that folder.
    """
    disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(
        seed, dtype=torch.float32, attn_implementation=compute.attention
    )
    if adapter is not None:
        model = load_adapter(model, adapter).merge_and_unload()
    tokenizer = load_tokenizer(seed)
    tokenizer.padding_side = "left"
    return model.to(resolve_device(compute), resolve_dtype(compute)).eval(), tokenizer
