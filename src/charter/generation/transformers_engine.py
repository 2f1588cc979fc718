"""The in-process engine: transformers generates in batches, on a GPU where there is one."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from charter.generation.engine import Completion, Request


class TransformersEngine:
    """A transformers folder, or a folder with one GGUF file, generating batches of like requests."""

    def __init__(self, folder: Path, *, concurrency: int):
        """Load the model in bfloat16; ``concurrency`` is the batch size."""
        gguf = next((path.name for path in folder.glob("*.gguf")), None)
        source: dict[str, Any] = {"gguf_file": gguf} if gguf else {}
        self._tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left", **source)
        self._model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16, **source)
        self._model.to("cuda" if torch.cuda.is_available() else "cpu").eval()
        self._batch_size = concurrency

    def complete(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Group requests of equal decoding, sort them by length, and generate batch by batch."""
        prompts = [
            self._tokenizer.apply_chat_template(
                [message.model_dump() for message in request.messages],
                add_generation_prompt=True,
                tokenize=False,
            )
            for request in requests
        ]
        groups: dict[tuple[int, float, int], list[int]] = {}
        for index, request in enumerate(requests):
            decoding = (request.max_new_tokens, request.temperature, request.alternatives)
            groups.setdefault(decoding, []).append(index)
        for indices in groups.values():
            indices.sort(key=lambda index: len(prompts[index]))
            for start in range(0, len(indices), self._batch_size):
                batch = indices[start : start + self._batch_size]
                completions = self._generate([prompts[index] for index in batch], requests[batch[0]])
                yield from zip(batch, completions, strict=True)

    @torch.inference_mode()
    def _generate(self, prompts: list[str], decoding: Request) -> list[Completion]:
        inputs = self._tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False)
        inputs = inputs.to(self._model.device)
        if decoding.alternatives:
            logits = self._model(**inputs, logits_to_keep=1).logits[:, -1].float()
            top = logits.log_softmax(-1).topk(decoding.alternatives)
            return [
                Completion(
                    text=self._tokenizer.decode(tokens[0]),
                    tokens=1,
                    alternatives=tuple(
                        (self._tokenizer.decode(token), float(score))
                        for token, score in zip(tokens, scores, strict=True)
                    ),
                )
                for tokens, scores in zip(top.indices, top.values, strict=True)
            ]
        sampling: dict[str, Any] = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
        if decoding.temperature > 0:
            torch.manual_seed(decoding.seed)
            sampling = {"do_sample": True, "temperature": decoding.temperature, "top_p": 1.0, "top_k": 0}
        output = self._model.generate(**inputs, max_new_tokens=decoding.max_new_tokens, **sampling)
        generated = output[:, inputs["input_ids"].shape[1] :]
        texts = self._tokenizer.batch_decode(generated, skip_special_tokens=True)
        pad = self._tokenizer.pad_token_id
        counts = (generated != pad).sum(dim=1).tolist()
        return [Completion(text=text, tokens=count) for text, count in zip(texts, counts, strict=True)]
