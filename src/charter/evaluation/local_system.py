"""The seed, or the seed with an adapter, on this machine: what it answers and what it finds likely."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence
from tqdm import tqdm
from transformers import PreTrainedModel

from charter.evaluation.evaluation_data import EvaluationData
from charter.evaluation.results import Estimate
from charter.evaluation.statistics import Array, clustered_share
from charter.generation.journal import JournaledEngine
from charter.generation.transformers_engine import TransformersEngine
from charter.project.devices import resolve_dtype
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Rag, System, content_id
from charter.project.sections import Compute
from charter.project.storage import directory_sha256
from charter.training.chat import Chat
from charter.training.models import load_system

WINDOW = 1024
"""Tokens of a text that a model reads at once, fewer where it can't read so many; neighbours overlap."""

_OVERLAP = 8
"""The part of a window, one in so many, that lies in the window before it too."""


@dataclass(frozen=True)
class LocalSystem:
    """The seed, or the seed with an adapter: loaded when the journal doesn't have its answers.

    ``batch_size`` prompts are run at once.
    """

    seed: Path
    adapter: Path | None
    compute: Compute
    batch_size: int

    @cached_property
    def _loaded(self) -> tuple[PreTrainedModel, Any]:
        return load_system(self.seed, self.adapter, self.compute)

    def open(self, journal: Path) -> JournaledEngine:
        """Return the system behind the journal, identified by its bytes and by how they are held."""
        parts = [directory_sha256(folder) for folder in (self.seed, self.adapter) if folder is not None]
        parts.append(str(resolve_dtype(self.compute)))
        if self.compute.quantization != "none":
            parts.append(self.compute.quantization)
        return JournaledEngine(
            journal,
            content_id(*parts),
            lambda: TransformersEngine(*self._loaded, batch_size=self.batch_size),
        )

    @torch.inference_mode()
    def mean_log_probs(self, prompts: Sequence[Chat], responses: Sequence[str]) -> list[float]:
        """Return log P(response | prompt) / tokens of the response, in nats a token, for each pair.

        The token that ends the response counts, as it does in training.
        """
        model, tokenizer = self._loaded
        rows = [_encode(tokenizer, *pair) for pair in zip(prompts, responses, strict=True)]
        # Equal prompts come together, so that a batch reads each once.
        order = np.array(sorted(range(len(rows)), key=lambda row: (len(rows[row][0]), rows[row][0])))
        scores = np.zeros(len(rows))
        for start in tqdm(range(0, len(rows), self.batch_size), desc="likelihood of responses", disable=None):
            batch = order[start : start + self.batch_size]
            scores[batch] = _score(model, [rows[index] for index in batch])
        return [float(score) for score in scores]

    @torch.inference_mode()
    def text_log_probs(self, texts: Sequence[Sequence[str]], windows: int) -> Array:
        """Return of each passage its log-probability in nats and its tokens, shape (passages, 2).

        A text is its passages, one behind the other. It is read in windows of WINDOW tokens, 7/8 of that
        apart. Each token but a text's first is scored once, in the first window that it is in: so, but at
        the beginning of a text, behind at least an eighth of a window. At most ``windows`` are read; the
        passages behind them are left out. Each window begins with what the tokenizer begins texts with.
        """
        model, tokenizer = self._loaded
        lead = torch.tensor(_beginning(tokenizer), dtype=torch.long, device=model.device)
        size = min(WINDOW, getattr(model.config, "max_position_embeddings", WINDOW)) - len(lead)
        stride = size - size // _OVERLAP
        rows: list[Array] = []
        for passages in texts:
            split = [tokenizer(passage, add_special_tokens=False)["input_ids"] for passage in passages]
            flat = [token for part in split for token in part]
            tokens = torch.tensor(flat, dtype=torch.long, device=model.device)
            passage_of = np.repeat(np.arange(len(split)), [len(part) for part in split])
            starts = range(0, max(len(tokens) - size // _OVERLAP, 1), stride)[:windows]
            windows -= len(starts)
            sums = np.zeros((len(split), 2))
            for start in tqdm(starts, desc="perplexity of a text", disable=None):
                first = start + size // _OVERLAP if start else 1
                window = torch.cat([lead, tokens[start : start + size]])
                scored = _score_end(model, window, len(lead) + first - start)
                places = passage_of[first : first + len(scored)]
                np.add.at(sums, places, np.stack([scored, np.ones_like(scored)], axis=1))
            rows.append(sums[sums[:, 1] > 0])
        return np.concatenate(rows)

    def adherence(self, held_out: EvaluationData, rag: Rag) -> Estimate:
        """Return in what share of the held-out pairs chosen is likelier than rejected, a token."""
        pairs = held_out.pairs
        prompts = [held_out.messages(pair.prompt, pair.chunk_id, rag) for pair in pairs for _ in range(2)]
        responses = [response for pair in pairs for response in (pair.chosen, pair.rejected)]
        scores = self.mean_log_probs(prompts, responses)
        favoured = [chosen > rejected for chosen, rejected in zip(scores[::2], scores[1::2], strict=True)]
        return clustered_share(favoured, [pair.chunk_id for pair in pairs])


def local_system(name: System, params: Params, paths: CorpusPaths) -> LocalSystem:
    """Return one of LOCAL: the seed, or the seed with the corpus's adapter of that name."""
    adapter = None if name == "seed" else paths.adapter(name)
    return LocalSystem(paths.seed, adapter, params.compute, params.evaluate.batch_size)


def _encode(tokenizer: Any, prompt: Chat, response: str) -> tuple[list[int], list[int]]:
    text = tokenizer.apply_chat_template(prompt, add_generation_prompt=True, tokenize=False)
    prompt_tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
    tokens = tokenizer(response, add_special_tokens=False)["input_ids"]
    return prompt_tokens, [*tokens, tokenizer.eos_token_id]


def _beginning(tokenizer: Any) -> list[int]:
    """Return the token that begins every text, which models such as Gemma are used to; many have none."""
    begun: list[int] = tokenizer("a")["input_ids"][:1]
    return begun if begun == [tokenizer.bos_token_id] else []


def _score_end(model: PreTrainedModel, tokens: torch.Tensor, first: int) -> Array:
    """Return the log-probabilities of the tokens from the place ``first`` on, each behind those before it."""
    kept = len(tokens) - first + 1
    logits = model(input_ids=tokens[None], logits_to_keep=kept).logits[0, :-1]
    log_probs = logits.float().log_softmax(-1).gather(1, tokens[first:, None])[:, 0]
    return np.asarray(log_probs.cpu(), dtype=np.float64)


def _score(model: PreTrainedModel, rows: list[tuple[list[int], list[int]]]) -> list[float]:
    """Score a batch; a prompt that several responses stand behind is read once."""
    prompts = list(dict.fromkeys(tuple(prompt) for prompt, _ in rows))
    own = torch.tensor([prompts.index(tuple(prompt)) for prompt, _ in rows], device=model.device)
    tokens, mask = _pad(prompts, "left", model.device)
    places = (mask.cumsum(dim=1) - 1).clamp(min=0)
    read = model(input_ids=tokens, attention_mask=mask, position_ids=places, use_cache=True, logits_to_keep=1)
    read.past_key_values.batch_select_indices(own)

    tokens, responses = _pad([response for _, response in rows], "right", model.device)
    mask = torch.cat([mask[own], responses], dim=1)
    logits = model(
        input_ids=tokens,
        attention_mask=mask,
        position_ids=(mask.cumsum(dim=1) - 1)[:, -tokens.shape[1] :],
        past_key_values=read.past_key_values,
    ).logits
    scores = []
    for row, (prompt, length) in enumerate(zip(own.tolist(), responses.sum(dim=1).tolist(), strict=True)):
        # A token's logits stand at the one before it: the first one's at the prompt's end.
        before = torch.cat([read.logits[prompt], logits[row, : length - 1]])
        log_probs = before.float().log_softmax(-1).gather(1, tokens[row, :length, None])
        scores.append(float(log_probs.mean()))
    return scores


def _pad(
    texts: Sequence[Sequence[int]], side: str, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return texts as one batch, padded on a side, and the mask of their own tokens."""
    tokens = [torch.tensor(text, device=device) for text in texts]
    masks = [torch.ones_like(text) for text in tokens]
    return (
        pad_sequence(tokens, batch_first=True, padding_side=side),
        pad_sequence(masks, batch_first=True, padding_side=side),
    )
