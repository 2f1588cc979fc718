"""The in-process engine: transformers generates in batches, on a GPU where there is one."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel
from transformers.utils.logging import disable_progress_bar

from charter.generation.engine import Admission, Completion, Request, admit_all
from charter.project.devices import resolve_device, resolve_dtype
from charter.project.sections import Compute


class TransformersEngine:
    """A loaded model that generates batches of requests of the same decoding and like lengths."""

    def __init__(self, model: PreTrainedModel, tokenizer: Any, *, batch_size: int):
        """``tokenizer`` pads on the left."""
        self._model = model
        self._tokenizer = tokenizer
        self._batch_size = batch_size

    def complete(
        self, requests: Sequence[Request], admit: Admission = admit_all
    ) -> Iterator[tuple[int, Completion]]:
        """Group requests of equal decoding, sort them by length, and generate batch by batch."""
        prompts = [
            self._tokenizer.apply_chat_template(
                [message.model_dump() for message in request.messages],
                add_generation_prompt=True,
                tokenize=False,
            )
            for request in requests
        ]
        groups = defaultdict[Request, list[int]](list)
        for index, request in enumerate(requests):
            groups[request.model_copy(update={"messages": ()})].append(index)
        for decoding, indices in groups.items():
            indices.sort(key=lambda index: len(prompts[index]))
            for start in range(0, len(indices), self._batch_size):
                places = indices[start : start + self._batch_size]
                batch = list(takewhile(lambda _: admit(), places))
                if batch:
                    completions = self._run([prompts[index] for index in batch], decoding)
                    yield from zip(batch, completions, strict=True)
                if len(batch) < len(places):
                    return

    @torch.inference_mode()
    def _run(self, prompts: list[str], decoding: Request) -> list[Completion]:
        inputs = self._tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False)
        inputs = inputs.to(self._model.device)
        read = inputs["attention_mask"].sum(dim=1).tolist()  # tokens of each prompt, without its padding
        if decoding.alternatives:
            return self._alternatives(inputs, read, decoding.alternatives)
        # What a model's own generation_config says of sampling and penalties doesn't hold here.
        options: dict[str, Any] = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
        if decoding.temperature > 0:
            torch.manual_seed(decoding.seed)
            options = {"do_sample": True, "temperature": decoding.temperature, "top_p": 1.0, "top_k": 0}
        options |= {"repetition_penalty": 1.0, "pad_token_id": self._tokenizer.pad_token_id}
        output = self._model.generate(**inputs, max_new_tokens=decoding.max_new_tokens, **options)
        generated = output[:, inputs["input_ids"].shape[1] :]
        texts = self._tokenizer.batch_decode(generated, skip_special_tokens=True)
        counts = (generated != self._tokenizer.pad_token_id).sum(dim=1).tolist()
        return [
            Completion(text=text, tokens=tokens, prompt_tokens=prompt_tokens)
            for text, tokens, prompt_tokens in zip(texts, counts, read, strict=True)
        ]

    def _alternatives(self, inputs: Any, read: list[int], count: int) -> list[Completion]:
        logits = self._model(**inputs, logits_to_keep=1).logits[:, -1].float()
        best = logits.log_softmax(-1).topk(count)
        rows = []
        for tokens, scores, length in zip(best.indices.tolist(), best.values.tolist(), read, strict=True):
            texts = [self._tokenizer.decode(token) for token in tokens]
            alternatives = tuple(zip(texts, scores, strict=True))
            rows.append(Completion(text=texts[0], tokens=1, alternatives=alternatives, prompt_tokens=length))
        return rows


def load_model(folder: Path, compute: Compute) -> tuple[PreTrainedModel, Any]:
    """Load a model to generate with, straight to its device, and its tokenizer, padding on the left."""
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    if tokenizer.pad_token_id is None:
        # Padding is masked, so any token will do.
        tokenizer.pad_token = tokenizer.eos_token
    disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=resolve_dtype(compute),
        attn_implementation=compute.attention,
        device_map={"": str(resolve_device(compute))},
    )
    return model.eval(), tokenizer
