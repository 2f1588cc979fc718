"""The embedded engine: OpenVINO GenAI runs a GGUF model on the CPU, with continuous batching."""

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import openvino_genai

from charter.errors import CharterError
from charter.generation.engine import Completion, Request

_TOKENS_A_STEP = 2048
"""Prompt tokens read at once; with the library's 256, reading takes half as long again."""


class OpenVinoEngine:
    """One GGUF model in a continuous-batching pipeline that shares the prefixes of prompts."""

    def __init__(self, folder: Path, *, concurrency: int, cache_gigabytes: int):
        """Load the only GGUF file in ``folder``; ``concurrency`` sequences run at once."""
        files = sorted(folder.glob("*.gguf"))
        if len(files) != 1:
            raise CharterError(f"{folder}: engine openvino needs exactly one .gguf file, found {len(files)}")
        scheduler = openvino_genai.SchedulerConfig()
        scheduler.cache_size = cache_gigabytes
        scheduler.max_num_seqs = concurrency
        scheduler.max_num_batched_tokens = _TOKENS_A_STEP
        scheduler.enable_prefix_caching = True
        self._pipeline = openvino_genai.ContinuousBatchingPipeline(str(files[0]), scheduler, "CPU", {})
        self._concurrency = concurrency
        self._tokenizer = self._pipeline.get_tokenizer()

    def complete(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Step the pipeline, yield what has ended, and add requests as places become free.

        A request finds what is in the prefix cache when it is added, so none is added before its turn.
        """
        pending = deque(enumerate(requests))
        running: dict[int, Any] = {}
        while pending or running:
            while pending and len(running) < self._concurrency:
                index, request = pending.popleft()
                running[index] = self._add(index, request)
            self._pipeline.step()
            for index in [index for index, handle in running.items() if _ended(handle)]:
                yield index, self._completion(running.pop(index).read_all(), requests[index])

    def _add(self, index: int, request: Request) -> Any:
        text = self._tokenizer.apply_chat_template(
            [message.model_dump() for message in request.messages], add_generation_prompt=True
        )
        tokens = self._tokenizer.encode(text, add_special_tokens=False).input_ids
        return self._pipeline.add_request(index, tokens, _generation_config(request))

    def _completion(self, outputs: list[Any], request: Request) -> Completion:
        best = max(outputs, key=lambda output: output.score)
        text = self._tokenizer.decode(best.generated_ids)
        if not request.alternatives:
            return Completion(text=text, tokens=len(best.generated_ids))
        ranked = sorted(outputs, key=lambda output: -output.score)
        alternatives = tuple((self._tokenizer.decode(item.generated_ids), item.score) for item in ranked)
        return Completion(text=text, tokens=1, alternatives=alternatives)


def _generation_config(request: Request) -> Any:
    config = openvino_genai.GenerationConfig()
    config.max_new_tokens = request.max_new_tokens
    if request.alternatives:
        # The pipeline reports the log-prob of the chosen token only; beams of one token are the top-k.
        config.num_beams = config.num_return_sequences = request.alternatives
    elif request.temperature > 0:
        config.do_sample = True
        config.temperature = request.temperature
        config.rng_seed = request.seed
    return config


def _ended(handle: Any) -> bool:
    return bool(handle.get_status() == openvino_genai.GenerationStatus.FINISHED)
