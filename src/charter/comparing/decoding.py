"""Several systems at once: one batch over the seed, of which each row has its own adapter or none."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import torch
from peft import PeftModel
from transformers import StoppingCriteria, StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer

from charter.project.sections import Compute
from charter.serving.answering import ReplyText, TooLongError
from charter.serving.prompts import tokens_of
from charter.training.chat import Chat
from charter.training.models import load_system

_CONTEXT = 4096
"""Tokens that a prompt and its answer may have at most, where the model itself allows more."""

_NO_ADAPTER = "__base__"
"""peft's name for a row that no adapter changes."""

Told = Callable[[int, str, bool | None], None]
"""Is told the place of an answer, more text of it, and at its end whether it is whole, until then None."""


class AdaptedSeed:
    """The seed in memory once, with several adapters; it writes one batch at a time.

    The adapters aren't merged, as they are in evaluation: in float32 that changes nothing but a tie, in
    bfloat16 two tokens that are nearly as likely may change places.
    """

    def __init__(self, seed: Path, adapters: Mapping[str, Path], compute: Compute):
        """``adapters`` has one folder or more by name; a name is what `write` takes."""
        base, self._tokenizer = load_system(seed, None, compute)
        self._ends = set(base.generation_config.eos_token_id)
        window = getattr(base.config.get_text_config(), "max_position_embeddings", None)
        self._context = min(window or _CONTEXT, _CONTEXT)
        first, *others = adapters
        self._model = PeftModel.from_pretrained(base, adapters[first], adapter_name=first)
        for name in others:
            self._model.load_adapter(adapters[name], adapter_name=name)
        self._model.eval()

    def write(
        self, rows: Sequence[tuple[str | None, Chat]], new_tokens: int, told: Told, left: Event
    ) -> None:
        """Answer chats greedily, each with an adapter or with none, until all have ended or ``left`` is set.

        Raises:
            TooLongError: A prompt leaves no room for its answer.
        """
        prompts = [tokens_of(chat, self._tokenizer) for _, chat in rows]
        width = max(map(len, prompts))
        if width + new_tokens > self._context:
            raise TooLongError(
                f"the question has {width} tokens with its passages and the answer up to {new_tokens}; "
                f"together they may have {self._context}"
            )
        pad = self._tokenizer.pad_token_id
        tokens = torch.tensor([[pad] * (width - len(prompt)) + prompt for prompt in prompts])
        attention = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
        texts = [ReplyText(self._tokenizer, ()) for _ in rows]

        def tell(place: int, written: list[int], done: bool) -> None:
            piece = texts[place].more(written, done)
            told(place, piece, written[-1] in self._ends if done else None)

        # What a model's own generation_config says of sampling and penalties doesn't hold here, as in
        # evaluation. Nothing may raise inside: peft would leave this batch's adapters hooked in.
        self._model.generate(
            input_ids=tokens.to(self._model.device),
            attention_mask=attention.to(self._model.device),
            adapter_names=[adapter or _NO_ADAPTER for adapter, _ in rows],
            streamer=_Rows(self._ends, new_tokens, tell),
            stopping_criteria=StoppingCriteriaList([_Left(left)]),
            max_new_tokens=new_tokens,
            pad_token_id=pad,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            repetition_penalty=1.0,
        )


class _Rows(BaseStreamer):  # type: ignore[misc]
    """Hands on each row's tokens as they come; transformers' own streamers take batches of one."""

    def __init__(self, ends: set[int], new_tokens: int, tell: Callable[[int, list[int], bool], None]):
        self._ends = ends
        self._new_tokens = new_tokens
        self._tell = tell
        self._rows: list[list[int]] | None = None
        self._done: set[int] = set()

    def put(self, value: torch.Tensor) -> None:
        """Take the prompts at first, of shape [rows, tokens], and then the next token of each row."""
        if self._rows is None:
            self._rows = [[] for _ in value]
            return
        for place, token in enumerate(value.tolist()):
            if place in self._done:
                continue
            row = self._rows[place]
            row.append(token)
            if token in self._ends or len(row) == self._new_tokens:
                self._done.add(place)
            self._tell(place, row, place in self._done)

    def end(self) -> None:
        """Nothing is held back."""


class _Left(StoppingCriteria):  # type: ignore[misc]
    """Ends all rows where nobody waits for them any more."""

    def __init__(self, left: Event):
        self._left = left

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        return torch.full((len(input_ids),), self._left.is_set(), device=input_ids.device)
