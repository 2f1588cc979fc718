"""A tokenizer as GGUF holds it: tokens with their types, merges or scores, special tokens, chat template.

Two kinds are written: byte-level BPE (GPT-2's kind: Llama 3, Qwen, SmolLM) and SentencePiece's BPE (Llama 2,
Mistral). GGUF has no rules for cutting text into words: it names one of those that llama.cpp knows.
"""

import json
from typing import Any

import gguf

from charter.project.errors import CharterError

_CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_PRE_TOKENIZERS = {
    ("gpt-2",): "gpt-2",
    ("digits", "gpt-2"): "smollm",
    (rf"{_CONTRACTIONS}\p{{N}}{_REST}",): "qwen2",
    (rf"{_CONTRACTIONS}\p{{N}}{{1,3}}{_REST}",): "llama-bpe",
}
"""llama.cpp's names of the ways that text is cut into words, by the steps of `_steps`."""


def write_vocabulary(writer: gguf.GGUFWriter, tokenizer: Any, size: int) -> None:
    """Write a tokenizer into a GGUF file.

    Args:
        writer: The file's.
        tokenizer: One of transformers, with a chat template.
        size: How many tokens the model has embeddings for; those without a token get a name of their own.

    Raises:
        CharterError: It is of another kind, or cuts text in a way that llama.cpp has no name for.
    """
    rules = json.loads(tokenizer.backend_tokenizer.to_str())
    kind = rules["model"]["type"]
    if kind != "BPE":
        raise unwritable(f"with a tokenizer of kind {kind}")
    merges = [merge if isinstance(merge, list) else merge.split(" ") for merge in rules["model"]["merges"]]
    names = {number: token for token, number in tokenizer.get_vocab().items()}
    tokens = [names.get(number, f"[PAD{number}]") for number in range(size)]
    if rules["model"]["byte_fallback"]:
        writer.add_tokenizer_model("llama")
        writer.add_tokenizer_pre("default")
        writer.add_token_scores(_scores(tokens, merges))
        writer.add_add_space_prefix(tokenizer.tokenize("a")[0].startswith("▁"))
    else:
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(_pre_tokenizer(rules))
        writer.add_token_merges([" ".join(merge) for merge in merges])
    writer.add_token_list(tokens)
    writer.add_token_types(_types(tokens, names, tokenizer))
    _write_special_tokens(writer, tokenizer)
    writer.add_chat_template(tokenizer.chat_template)


def adds_bos(tokenizer: Any) -> bool:
    """Whether a tokenizer puts its bos in front of a text."""
    bos = tokenizer.bos_token_id
    return bos is not None and tokenizer("a")["input_ids"][0] == bos


def _pre_tokenizer(rules: dict[str, Any]) -> str:
    steps = tuple(_steps(rules["pre_tokenizer"] or {"type": "no pre-tokenizer"}))
    normalizer = (rules["normalizer"] or {"type": "NFC"})["type"]
    if normalizer != "NFC":  # Qwen's, which llama.cpp leaves out
        raise unwritable(f"with a tokenizer with the normalizer {normalizer}")
    if steps not in _PRE_TOKENIZERS:
        raise unwritable(f"with a tokenizer that cuts words by {', then '.join(steps)}")
    return _PRE_TOKENIZERS[steps]


def _steps(rule: dict[str, Any]) -> list[str]:
    """Name the steps in which a pre-tokenizer cuts: expressions, ``gpt-2`` and ``digits``, or its type."""
    match rule:
        case {"type": "Sequence", "pretokenizers": rules}:
            return [step for inner in rules for step in _steps(inner)]
        case {"type": "ByteLevel", "add_prefix_space": False, "use_regex": cuts}:
            return ["gpt-2"] if cuts else []
        case {"type": "Digits", "individual_digits": True}:
            return ["digits"]
        case {"type": "Split", "pattern": {"Regex": expression}, "behavior": "Isolated", "invert": False}:
            return [expression]
    return [rule["type"]]


def _scores(tokens: list[str], merges: list[list[str]]) -> list[float]:
    """Score tokens as SentencePiece does: the earlier a merge makes it, the higher."""
    ranks: dict[str, int] = {}
    for rank, merge in enumerate(merges):
        ranks.setdefault("".join(merge), rank)
    return [-float(ranks.get(token, len(merges))) for token in tokens]


def _types(tokens: list[str], names: dict[int, str], tokenizer: Any) -> list[gguf.TokenType]:
    added, unknown = tokenizer.added_tokens_decoder, tokenizer.unk_token
    by_bytes = tokenizer.backend_tokenizer.model.byte_fallback
    types = []
    for number, token in enumerate(tokens):
        if number not in names:
            types.append(gguf.TokenType.UNUSED)
        elif by_bytes and token == unknown:
            types.append(gguf.TokenType.UNKNOWN)
        elif number in added:
            special = added[number].special
            types.append(gguf.TokenType.CONTROL if special else gguf.TokenType.USER_DEFINED)
        elif by_bytes and len(token) == len("<0x00>") and token.startswith("<0x"):
            types.append(gguf.TokenType.BYTE)
        else:
            types.append(gguf.TokenType.NORMAL)
    return types


def _write_special_tokens(writer: gguf.GGUFWriter, tokenizer: Any) -> None:
    for add, number in (
        (writer.add_bos_token_id, tokenizer.bos_token_id),
        (writer.add_eos_token_id, tokenizer.eos_token_id),
        (writer.add_unk_token_id, tokenizer.unk_token_id),
        (writer.add_pad_token_id, tokenizer.pad_token_id),
    ):
        if number is not None:
            add(number)
    writer.add_add_bos_token(adds_bos(tokenizer))
    writer.add_add_eos_token(False)


def unwritable(what: str) -> CharterError:
    """Return what to tell of a model that has no form here."""
    return CharterError(
        f"GGUF can't be written {what}: export the model with --merged, and convert that folder with "
        "llama.cpp's convert_hf_to_gguf.py"
    )
