"""The seed in torch: its tokenizer, its weights whole or quantised, and the adapters over it."""

from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, PreTrainedModel
from transformers.utils import is_bitsandbytes_available
from transformers.utils.logging import disable_progress_bar

from charter.project.devices import resolve_device, resolve_dtype, tell_limits
from charter.project.errors import CharterError
from charter.project.sections import Compute

SPARE_TOKENS = ("<|finetune_right_pad_id|>", "<|reserved_special_token_0|>", "<pad>", "<unk>")
"""What models keep for users: Llama 3.1's pad, Llama 3's first reserved one, Gemma's, Mistral's."""

ADDED_PAD = "<|pad|>"


def load_tokenizer(path: Path) -> Any:
    """Load the tokenizer of a model's folder; its eos ends an answer, and its pad is another token.

    Its eos becomes what the chat template ends an answer with, which isn't always the tokenizer's own: Gemma
    ends turns with ``<end_of_turn>``. Where the pad is missing or is the eos, as with all Llama 3, one of
    SPARE_TOKENS or the unknown token pads, and failing these a new one (`load_seed` makes room for it):
    padding is masked, so nothing is learnt of it, but masked with it the eos wouldn't be learnt either.

    Raises:
        CharterError: There is no chat template, it refuses an answer, or it doesn't end one.
    """
    tokenizer = AutoTokenizer.from_pretrained(path)
    if tokenizer.chat_template is None:
        raise CharterError(f"{path}: the tokenizer has no chat template; take an instruction-tuned seed")
    if (end := _end_of_answer(tokenizer, path)) != tokenizer.eos_token:
        tokenizer.eos_token = end
    if tokenizer.pad_token_id in (None, tokenizer.eos_token_id):
        spare = [token for token in (*SPARE_TOKENS, tokenizer.unk_token) if token in tokenizer.get_vocab()]
        others = [token for token in spare if token != tokenizer.eos_token]
        tokenizer.add_special_tokens({"pad_token": (*others, ADDED_PAD)[0]})
    return tokenizer


def _end_of_answer(tokenizer: Any, path: Path) -> str:
    chat = [{"role": "user", "content": "May I?"}, {"role": "assistant", "content": "No."}]
    try:
        asked = tokenizer.apply_chat_template(chat[:1], add_generation_prompt=True)["input_ids"]
        tokens = tokenizer.apply_chat_template(chat)["input_ids"][len(asked) :]
    except TemplateError as error:
        raise CharterError(f"{path}: the chat template refuses a question and an answer: {error}") from error
    known = tokenizer.added_tokens_decoder
    special = [token for token in tokens if token in known and known[token].special]
    if not special:
        raise CharterError(
            f"{path}: the chat template ends no answer with a special token, so the model would never "
            "learn to stop; take a seed whose template does"
        )
    end = tokenizer.eos_token_id if tokenizer.eos_token_id in special else special[0]
    token: str = tokenizer.convert_ids_to_tokens(end)
    return token


def load_seed(path: Path, compute: Compute) -> PreTrainedModel:
    """Load the seed in the computing type, or quantised to nf4, with room for its tokenizer's pad token.

    Whole weights stay where transformers puts them; the trainer moves them to its device. Quantised ones
    can't be moved: each process loads them onto its own GPU. What will make that slow or fail is told first.

    Raises:
        CharterError: nf4 is asked for and bitsandbytes is not installed.
    """
    device, dtype = resolve_device(compute), resolve_dtype(compute)
    tell_limits(compute)
    options: dict[str, Any] = {}
    if compute.quantization == "nf4":
        if not is_bitsandbytes_available():
            raise CharterError("compute.quantization is nf4: install bitsandbytes (pip install '.[gpu]')")
        options["device_map"] = {"": str(device)}
        # QLoRA (Dettmers et al., 2023): 4-bit NormalFloat, its constants quantised too.
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
    disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(
        path, dtype=dtype, attn_implementation=compute.attention, **options
    )
    pad = load_tokenizer(path).pad_token_id
    if pad >= model.get_input_embeddings().num_embeddings:
        model.resize_token_embeddings(pad + 1, mean_resizing=False)
    return model


def load_adapter(model: PreTrainedModel, folder: Path, trainable: bool = False) -> PeftModel:
    """Lay the adapter in ``folder`` over a model.

    Raises:
        CharterError: There is no adapter.
    """
    if not (folder / "adapter_config.json").is_file():
        raise CharterError(f"{folder}: no adapter; `dvc repro` trains it")
    return PeftModel.from_pretrained(model, folder, is_trainable=trainable)


def load_system(seed: Path, adapter: Path | None, compute: Compute) -> tuple[PreTrainedModel, Any]:
    """Load what answers, and its tokenizer, padding on the left: the seed, or the seed with ``adapter``.

    It is merged into whole weights. Over quantised ones it stays a layer of its own: merged, it would be
    quantised with them.

    Raises:
        CharterError: There is no adapter in that folder.
    """
    model = load_seed(seed, compute)
    if compute.quantization == "none":
        model = model.to(resolve_device(compute))
    if adapter is not None:
        adapted = load_adapter(model, adapter)
        model = merged(adapted) if compute.quantization == "none" else adapted.get_base_model()
    tokenizer = load_tokenizer(seed)
    tokenizer.padding_side = "left"
    ends = model.generation_config.eos_token_id or []
    ends = [ends] if isinstance(ends, int) else ends
    model.generation_config.eos_token_id = sorted({*ends, tokenizer.eos_token_id})
    return model.eval(), tokenizer


def merged(model: PeftModel) -> PreTrainedModel:
    """Merge an adapter into its model, a layer at a time in float32, and round each once.

    Added in bfloat16, the adapter would be rounded before the sum is, which moves the logits by 5 % of their
    spread; all layers in float32 at once would take twice the memory.
    """
    for layer in model.modules():
        if isinstance(layer, LoraLayer):
            base = layer.get_base_layer()
            dtype = base.weight.dtype
            base.float()
            layer.merge()
            base.to(dtype)
    return model.unload()
