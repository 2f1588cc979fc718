"""The parts of `make gpu-check` that answer and encode: with what was trained, and by plain transformers."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Pooling, Transformer
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, BertConfig, BertModel, PreTrainedTokenizerFast

from charter.evaluation.local_system import LocalSystem
from charter.generation.engine import ask_turns
from charter.project.devices import resolve_device, resolve_dtype
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import InstructExample
from charter.retrieval.encoder import Encoder
from charter.training.chat import answer_messages

NEW_TOKENS = 64
TEXTS = 512
SPECIAL = {"bos_token": "<|start|>", "eos_token": "<|end|>", "pad_token": "<|pad|>"}
CHAT = (
    "{% for message in messages %}<|start|>{{ message.role }}\n{{ message.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)


def project_tokenizer(files: Sequence[Path], vocabulary: int) -> PreTrainedTokenizerFast:
    """Train a byte-level tokenizer on some texts, with a chat template."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL.values()),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train([str(file) for file in files], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, chat_template=CHAT, **SPECIAL)


def decoding(params: Params, paths: CorpusPaths, prompts: Sequence[str]) -> dict[str, Any]:
    """Answer with the DPO adapter as evaluation does, and compare with plain transformers and peft.

    Ours merges the adapter, which plain peft doesn't, so in bfloat16 some answers part ways.
    """
    folder = paths.adapter("dpo")
    system = LocalSystem(paths.seed, folder, params.compute, len(prompts))
    chats = [answer_messages(prompt) for prompt in prompts]
    requests = [
        ask_turns([(turn["role"], turn["content"]) for turn in chat], max_new_tokens=NEW_TOKENS)
        for chat in chats
    ]
    _, tokenizer = system._loaded
    with system.open(paths.work / "decoding.sqlite") as engine:
        start = time.perf_counter()
        completions = engine.complete(requests, "decoding")
        seconds = time.perf_counter() - start
    ours = [completion.text for completion in completions]
    del system
    model = PeftModel.from_pretrained(plain_seed(params, paths), folder).eval()
    texts = [
        tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False) for chat in chats
    ]
    inputs = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False).to(model.device)

    def plain() -> list[str]:
        with torch.inference_mode():
            output = model.generate(
                **inputs, max_new_tokens=NEW_TOKENS, do_sample=False, pad_token_id=tokenizer.pad_token_id
            )
        written: list[str] = tokenizer.batch_decode(
            output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True
        )
        return written

    theirs = plain()
    with model.disable_adapter():
        untrained = plain()
    weights = load_file(folder / "adapter_model.safetensors")
    tokens = sum(completion.tokens for completion in completions)
    return {
        "tokens": tokens,
        "seconds": round(seconds, 2),
        "tokens_per_second": round(tokens / seconds, 1),
        "equal_first_tokens": equal(first_tokens(tokenizer, ours), first_tokens(tokenizer, theirs)),
        "equal_answers": equal(ours, theirs),
        "changed_by_the_adapter": len(prompts) - equal(theirs, untrained),
        "prompts": len(prompts),
        "largest_adapter_weight": max(
            float(value.abs().max()) for name, value in weights.items() if "lora_B" in name
        ),
        "an_answer": ours[0][:200],
    }


def held_out_loss(
    params: Params, paths: CorpusPaths, stock: Path, rows: Sequence[InstructExample]
) -> dict[str, float]:
    """Return the loss, in nats a token, of answers that none was trained on, by plain transformers.

    Of the seed, and of the seed with our SFT adapter and with stock's.
    """
    ours = paths.adapter("sft")
    model = PeftModel.from_pretrained(plain_seed(params, paths), ours, adapter_name="ours").eval()
    model.load_adapter(stock, "stock")
    tokenizer = PreTrainedTokenizerFast.from_pretrained(paths.seed)

    @torch.inference_mode()
    def mean_loss() -> float:
        total, count = 0.0, 0
        for row in rows:
            chat = [*answer_messages(row.question), {"role": "assistant", "content": row.answer}]
            asked = tokenizer.apply_chat_template(chat[:1], add_generation_prompt=True)["input_ids"]
            tokens = tokenizer.apply_chat_template(chat)["input_ids"]
            labels = [-100] * len(asked) + tokens[len(asked) :]
            ids, wanted = (torch.tensor([values], device=model.device) for values in (tokens, labels))
            answered = len(tokens) - len(asked)
            total += float(model(input_ids=ids, labels=wanted).loss) * answered
            count += answered
        return total / count

    found = {}
    for name in ("ours", "stock"):
        model.set_adapter(name)
        found[name] = round(mean_loss(), 4)
    with model.disable_adapter():
        found["seed"] = round(mean_loss(), 4)
    return found | {"difference": round(found["ours"] - found["stock"], 4)}


def encoder_speed(params: Params, paths: CorpusPaths) -> dict[str, Any]:
    """Encode with a small random encoder on the device that is chosen by itself, and compare with the CPU."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(paths.seed)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=384, num_hidden_layers=6, intermediate_size=1536
    )
    bert = paths.work / "bert"
    BertModel(config).save_pretrained(bert)
    tokenizer.save_pretrained(bert)
    folder = paths.encoder
    layer = Transformer(str(bert), max_seq_length=128)
    SentenceTransformer(modules=[layer, Pooling(config.hidden_size)], device="cpu").save(str(folder))
    device = resolve_device(params.compute)
    encoder = Encoder(folder, device)
    texts = [f"Gifts above {number} euros need the consent of the manager." for number in range(TEXTS)]
    encoder.encode(texts[:64])
    start = time.perf_counter()
    vectors = encoder.encode(texts)
    seconds = time.perf_counter() - start
    on_cpu = Encoder(folder, torch.device("cpu")).encode(texts[:32])
    return {
        "device": str(device),
        "texts_per_second": round(TEXTS / seconds, 1),
        "least_cosine_with_cpu": round(float((vectors[:32] * on_cpu).sum(1).min()), 6),
    }


def plain_seed(params: Params, paths: CorpusPaths) -> Any:
    """Load the seed without Charter."""
    dtype, device = resolve_dtype(params.compute), resolve_device(params.compute)
    return AutoModelForCausalLM.from_pretrained(paths.seed, dtype=dtype, device_map={"": str(device)})


def equal(ones: Sequence[str], others: Sequence[str]) -> int:
    """Count the places at which two lists agree."""
    return sum(one == other for one, other in zip(ones, others, strict=True))


def first_tokens(tokenizer: Any, texts: Sequence[str]) -> list[str]:
    """Return the first token of each text, as text."""
    return [(tokenizer.tokenize(text) or [""])[0] for text in texts]
