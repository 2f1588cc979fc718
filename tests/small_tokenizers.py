"""Tokenizers of a few hundred tokens, of the kinds that pinned models have."""

from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

TEXTS = [
    "Gifts above 25 euros need the manager's consent.",
    "I'LL ask, she'll answer: 1234567 times!\n\n  And   then?",
    "Schöne Grüße, 你好 🙂",
    "<|im_start|>user\nMay I?<|im_end|>\n",
]
TEMPLATE = "{% for message in messages %}<|im_start|>{{ message.content }}<|im_end|>{% endfor %}"


def byte_level(*steps: Any, normalizer: Any = None) -> PreTrainedTokenizerFast:
    """A small byte-level tokenizer that cuts words by these steps."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*steps])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS * 3, trainer)
    tokenizer.add_tokens(["<think>"])
    return wrapped(tokenizer, bos="<|im_start|>", eos="<|im_end|>", pad="<|endoftext|>")


def wrapped(tokenizer: Tokenizer, bos: str, eos: str, pad: str, **options: str) -> PreTrainedTokenizerFast:
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=bos, eos_token=eos, pad_token=pad, **options
    )
    fast.chat_template = TEMPLATE
    return fast


def qwen() -> PreTrainedTokenizerFast:
    split = pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated")
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return byte_level(split, bytes_only, normalizer=normalizers.NFC())


def gpt2(*before: Any) -> PreTrainedTokenizerFast:
    return byte_level(*before, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True))
