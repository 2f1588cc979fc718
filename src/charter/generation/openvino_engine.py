"""The embedded engine: OpenVINO GenAI runs a GGUF model on the CPU, with continuous batching."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import openvino_genai

from charter.generation.engine import Admission, Completion, Request, admit_all
from charter.project.errors import CharterError
from charter.project.paths import download_cache
from charter.project.storage import file_sha256, write_json

_TOKENS_A_STEP = 2048
"""Prompt tokens read at once; with the library's 256, reading takes half as long again."""

_BLOCK = 32
"""Tokens in a block of the pipeline's cache on a CPU."""


class _Prompt:
    """A request as tokens, and the prefixes that end where a block of the pipeline's cache does."""

    def __init__(self, index: int, request: Request, tokens: Any):
        self.index, self.request, self.tokens = index, request, tokens
        ids = tokens.data[0].tolist()
        self.length = len(ids)
        self.blocks = _prefix_blocks(ids)


@dataclass
class _Running:
    """A request in the pipeline; ``started`` once its prompt is read."""

    prompt: _Prompt
    handle: Any
    started: bool = False

    @property
    def ended(self) -> bool:
        return bool(self.handle.get_status() == openvino_genai.GenerationStatus.FINISHED)


class OpenVinoEngine:
    """One GGUF model in a continuous-batching pipeline that shares the prefixes of prompts."""

    def __init__(self, folder: Path, *, concurrency: int, cache_gigabytes: int):
        """Load the only GGUF file in ``folder``; ``concurrency`` sequences run at once."""
        converted = convert_teacher(folder)
        scheduler = openvino_genai.SchedulerConfig()
        scheduler.cache_size = cache_gigabytes
        scheduler.max_num_seqs = concurrency
        scheduler.max_num_batched_tokens = _TOKENS_A_STEP
        scheduler.enable_prefix_caching = True
        self._pipeline = openvino_genai.ContinuousBatchingPipeline(str(converted), scheduler, "CPU", {})
        self._concurrency = concurrency
        self._read: set[bytes] = set()
        self._tokenizer = self._pipeline.get_tokenizer()

    def complete(
        self, requests: Sequence[Request], admit: Admission = admit_all
    ) -> Iterator[tuple[int, Completion]]:
        """Step the pipeline, yield what has ended, and add requests as places become free.

        The pipeline looks a prompt's prefix up when the request is added, and finds what was read by then.
        So a request waits while another one is reading a part of its prompt.
        """
        waiting = [self._prompt(index, request) for index, request in enumerate(requests)]
        running: list[_Running] = []
        while waiting or running:
            reading = set().union(*(item.prompt.blocks for item in running if not item.started)) - self._read
            later = []
            for prompt in waiting:
                if len(running) >= self._concurrency or not reading.isdisjoint(prompt.blocks):
                    later.append(prompt)
                    continue
                if not admit():
                    later.clear()
                    break
                running.append(self._start(prompt))
                reading |= prompt.blocks - self._read
            waiting = later
            if not running:
                return
            self._pipeline.step()
            for item in list(running):
                if item.ended or item.handle.can_read():
                    item.started = True
                    self._read |= item.prompt.blocks
                if item.ended:
                    running.remove(item)
                    outputs = item.handle.read_all()
                    yield item.prompt.index, self._completion(outputs, item.prompt)

    def _prompt(self, index: int, request: Request) -> "_Prompt":
        return _Prompt(index, request, encode_prompt(self._tokenizer, request))

    def _start(self, prompt: "_Prompt") -> "_Running":
        config = _generation_config(prompt.request)
        return _Running(prompt, self._pipeline.add_request(prompt.index, prompt.tokens, config))

    def _completion(self, outputs: list[Any], prompt: "_Prompt") -> Completion:
        request, read = prompt.request, prompt.length
        best = max(outputs, key=lambda output: output.score)
        text = self._tokenizer.decode(best.generated_ids)
        if not request.alternatives:
            return Completion(text=text, tokens=len(best.generated_ids), prompt_tokens=read)
        ranked = sorted(outputs, key=lambda output: -output.score)
        alternatives = tuple((self._tokenizer.decode(item.generated_ids), item.score) for item in ranked)
        return Completion(text=text, tokens=1, alternatives=alternatives, prompt_tokens=read)


def convert_teacher(folder: Path) -> Path:
    """Return the folder that keeps the only GGUF file in ``folder`` in OpenVINO's own format.

    Reading that takes a fifth of the time that reading GGUF does. It lies beside the downloads, since it is
    made of one alone; a second clone finds it.

    Raises:
        CharterError: There isn't exactly one GGUF file.
    """
    files = sorted(folder.glob("*.gguf"))
    if len(files) != 1:
        raise CharterError(f"{folder}: engine openvino needs exactly one .gguf file, found {len(files)}")
    converted = download_cache() / f"openvino-{openvino_genai.__version__}" / file_sha256(files[0])
    if not converted.exists():
        _convert(files[0], converted)
    return converted


def encode_prompt(tokenizer: Any, request: Request) -> Any:
    """Return what the model reads of a request, as the pipeline takes it: an int64 tensor [1, tokens]."""
    text = tokenizer.apply_chat_template(
        [message.model_dump() for message in request.messages], add_generation_prompt=True
    )
    return tokenizer.encode(text, add_special_tokens=False).input_ids


def _prefix_blocks(tokens: Sequence[int]) -> set[bytes]:
    """Return a name for each prefix of a prompt that ends where a block of the cache does."""
    digest, names = hashlib.sha256(), set()
    for end in range(_BLOCK, len(tokens) + 1, _BLOCK):
        digest.update(str(tokens[end - _BLOCK : end]).encode())
        names.add(digest.digest())
    return names


def _convert(gguf: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target.parent, prefix=".converting-") as name:
        folder = Path(name) / target.name
        folder.mkdir()
        # The library writes beside the file that it reads, and that lies in an output of DVC's.
        link = folder / gguf.name
        link.symlink_to(gguf.resolve())
        pipeline = openvino_genai.LLMPipeline(str(link), "CPU", enable_save_ov_model=True)
        link.unlink()
        end = pipeline.get_tokenizer().get_eos_token_id()
        write_json(folder / "generation_config.json", {"eos_token_id": end})
        try:
            folder.rename(target)
        except OSError:
            # Another process was faster.
            if not target.exists():
                raise


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
