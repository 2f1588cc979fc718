"""The embedded engine: OpenVINO GenAI runs a GGUF model on the CPU, with continuous batching."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
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


@dataclass(eq=False)
class _Asked:
    """A request as tokens, the prefixes of it that a block of the cache ends, and where it is.

    ``handle`` is the pipeline's, once it was added; it is ``read`` once its prompt is.
    """

    index: int
    request: Request
    tokens: Any
    length: int
    blocks: set[bytes]
    handle: Any = None
    read: bool = False


class OpenVinoEngine:
    """One GGUF model in a continuous-batching pipeline that shares the prefixes of prompts."""

    def __init__(self, folder: Path, *, concurrency: int, cache_gigabytes: int):
        """Load the only GGUF file in ``folder``; ``concurrency`` sequences run at once."""
        scheduler = openvino_genai.SchedulerConfig()
        scheduler.cache_size = cache_gigabytes
        scheduler.max_num_seqs = concurrency
        scheduler.max_num_batched_tokens = _TOKENS_A_STEP
        scheduler.enable_prefix_caching = True
        self._pipeline = openvino_genai.ContinuousBatchingPipeline(
            str(_converted(folder)), scheduler, "CPU", {}
        )
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
        waiting = [self._prepare(index, request) for index, request in enumerate(requests)]
        running: list[_Asked] = []
        while waiting or running:
            reading = set().union(*(asked.blocks for asked in running if not asked.read)) - self._read
            later = []
            for asked in waiting:
                if len(running) >= self._concurrency or not reading.isdisjoint(asked.blocks):
                    later.append(asked)
                    continue
                if not admit():
                    later.clear()
                    break
                config = _generation_config(asked.request)
                asked.handle = self._pipeline.add_request(asked.index, asked.tokens, config)
                running.append(asked)
                reading |= asked.blocks - self._read
            waiting = later
            if not running:
                return
            self._pipeline.step()
            for asked in list(running):
                ended = asked.handle.get_status() == openvino_genai.GenerationStatus.FINISHED
                if ended or asked.handle.can_read():
                    asked.read = True
                    self._read |= asked.blocks
                if ended:
                    running.remove(asked)
                    yield asked.index, self._completion(asked)

    def _prepare(self, index: int, request: Request) -> _Asked:
        text = self._tokenizer.apply_chat_template(
            [message.model_dump() for message in request.messages], add_generation_prompt=True
        )
        tokens = self._tokenizer.encode(text, add_special_tokens=False).input_ids
        ids = tokens.data[0].tolist()
        return _Asked(index, request, tokens, len(ids), _prefix_blocks(ids))

    def _completion(self, asked: _Asked) -> Completion:
        outputs = sorted(asked.handle.read_all(), key=lambda output: -output.score)
        texts = [self._tokenizer.decode(output.generated_ids) for output in outputs]
        scores = [output.score for output in outputs] if asked.request.alternatives else []
        return Completion(
            text=texts[0],
            tokens=len(outputs[0].generated_ids),
            alternatives=tuple(zip(texts, scores, strict=False)),
            prompt_tokens=asked.length,
        )


def _prefix_blocks(tokens: Sequence[int]) -> set[bytes]:
    """Return a name for each prefix of a prompt that ends where a block of the cache does."""
    digest, names = hashlib.sha256(), set()
    for end in range(_BLOCK, len(tokens) + 1, _BLOCK):
        digest.update(str(tokens[end - _BLOCK : end]).encode())
        names.add(digest.digest())
    return names


def _converted(folder: Path) -> Path:
    """Return the folder that keeps the only GGUF file in ``folder`` in OpenVINO's own format.

    Reading that takes a fifth of the time. It lies beside the downloads: a second clone finds it.
    """
    files = sorted(folder.glob("*.gguf"))
    if len(files) != 1:
        raise CharterError(f"{folder}: engine openvino needs exactly one .gguf file, found {len(files)}")
    target = download_cache() / f"openvino-{openvino_genai.__version__}" / file_sha256(files[0])
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target.parent, prefix=".converting-") as name:
        made = Path(name) / target.name
        # The library writes beside the file that it reads, and that lies in an output of DVC's.
        made.mkdir()
        link = made / files[0].name
        link.symlink_to(files[0].resolve())
        pipeline = openvino_genai.LLMPipeline(str(link), "CPU", enable_save_ov_model=True)
        link.unlink()
        end = pipeline.get_tokenizer().get_eos_token_id()
        write_json(made / "generation_config.json", {"eos_token_id": end})
        # It fails where another process was faster: then that one's is there.
        with suppress(OSError):
            made.rename(target)
    return target


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
