"""How likely a model finds a given response."""

from collections.abc import Sequence
from typing import Any

import torch
from tqdm import tqdm
from transformers import PreTrainedModel

from charter.training.chat import Chat


@torch.inference_mode()
def mean_log_probs(
    model: PreTrainedModel,
    tokenizer: Any,
    prompts: Sequence[Chat],
    responses: Sequence[str],
    batch_size: int,
) -> list[float]:
    """Return log P(response | prompt) / tokens of the response, in nats a token, for each pair.

    The token that ends the response counts, as it does in training.
    """
    rows = [_encode(tokenizer, *pair) for pair in zip(prompts, responses, strict=True)]
    order = sorted(range(len(rows)), key=lambda index: len(rows[index][0]) + len(rows[index][1]))
    scores = [0.0] * len(rows)
    for start in tqdm(range(0, len(order), batch_size), desc="likelihood of responses", disable=None):
        batch = order[start : start + batch_size]
        for index, score in zip(batch, _score(model, [rows[index] for index in batch]), strict=True):
            scores[index] = score
    return scores


def _encode(tokenizer: Any, prompt: Chat, response: str) -> tuple[list[int], list[int]]:
    text = tokenizer.apply_chat_template(prompt, add_generation_prompt=True, tokenize=False)
    prompt_tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
    tokens = tokenizer(response, add_special_tokens=False)["input_ids"]
    return prompt_tokens, [*tokens, tokenizer.eos_token_id]


def _score(model: PreTrainedModel, rows: list[tuple[list[int], list[int]]]) -> list[float]:
    """Score a batch, padded on the right: what follows a causal model's token doesn't change it."""
    longest = max(len(prompt) + len(response) for prompt, response in rows)
    tokens = torch.zeros((len(rows), longest), dtype=torch.long)
    attention = torch.zeros_like(tokens)
    for number, (prompt, response) in enumerate(rows):
        length = len(prompt) + len(response)
        tokens[number, :length] = torch.tensor([*prompt, *response])
        attention[number, :length] = 1
    # Only the responses' logits are needed, and they lie at the end: the prompts' would be large.
    first = min(len(prompt) for prompt, _ in rows) - 1
    logits = model(
        input_ids=tokens.to(model.device),
        attention_mask=attention.to(model.device),
        logits_to_keep=longest - first,
    ).logits
    scores = []
    for number, (prompt, response) in enumerate(rows):
        span = slice(len(prompt) - 1 - first, len(prompt) + len(response) - 1 - first)
        log_probs = logits[number, span].float().log_softmax(-1)
        targets = torch.tensor(response, device=log_probs.device)
        scores.append(float(log_probs.gather(1, targets[:, None]).mean()))
    return scores
