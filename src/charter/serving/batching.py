"""The seed with one adapter, decoding all requests in one continuous batch of transformers."""

import asyncio
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any
from uuid import uuid4

from transformers import ContinuousBatchingConfig, GenerationConfig

from charter.project.errors import CharterError
from charter.project.sections import Compute
from charter.serving.drawing import drawing_processors
from charter.training.models import load_system

_CONTEXT = 4096
"""Tokens that a prompt and its reply may have at most, where the model itself allows more."""

_CONTEXTS = 4
"""How many requests of that length the cache has room for; there is room for more that are shorter."""

_PAGE = 256
_START_SECONDS = 60
_CANCELLED_SECONDS = 60


class GenerationError(Exception):
    """A request could not be decoded."""


class BatchedModel:
    """A model on this machine's processor or GPU; requests join and leave the batch at any token.

    ``context`` is how many tokens a prompt and its reply may have, ``ends`` are the tokens that end a reply,
    ``in_flight`` is how many requests are being decoded.
    """

    def __init__(self, seed: Path, adapter: Path, compute: Compute, concurrency: int):
        """Load it as evaluation does, and decode a token.

        Raises:
            CharterError: transformers can't batch this model.
        """
        model, self.tokenizer = load_system(seed, adapter, compute)
        window = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        self.context = min(window or _CONTEXT, _CONTEXT)
        self.ends = set(model.generation_config.eos_token_id)
        self.in_flight = 0
        # Neither what a model's generation_config says of sampling and penalties, as in evaluation.
        generation = GenerationConfig(
            eos_token_id=sorted(self.ends),
            pad_token_id=self.tokenizer.pad_token_id,
            do_sample=False,
        )
        # Left to itself, transformers reserves 60 % of the memory. A batch in graphs can't draw by request.
        batching = ContinuousBatchingConfig(
            page_size=_PAGE,
            num_blocks=_CONTEXTS * -(-self.context // _PAGE),
            max_batch_tokens=max(512, concurrency),
            max_requests_per_batch=concurrency,
            auto_switch_to_flash=False,
            use_cuda_graph=False,
            use_async_batching=False,
        )
        self._manager: Any = None
        try:
            self._manager = model.init_continuous_batching(generation, batching)
            self._manager.logit_processor = drawing_processors()
            self._manager.start()
            self._decode_one()
        except (ValueError, GenerationError) as error:
            self.stop()
            raise CharterError(f"{seed}: transformers can't serve this model in batches: {error}") from error

    @property
    def alive(self) -> bool:
        """Whether it still decodes."""
        return self._manager is not None and bool(self._manager.is_running())

    @property
    def fault(self) -> str:
        """What it stopped with."""
        return repr(self._manager.background_thread_status.fatal_error)

    async def decode(
        self, prompt: list[int], new_tokens: int, drawing: dict[str, Any], deadline: float
    ) -> AsyncGenerator[tuple[list[int], bool]]:
        """Yield all tokens of the reply so far, and whether they are all, whenever there are more.

        Raises:
            GenerationError: It can't be decoded.
            TimeoutError: It isn't done at ``deadline``, a time of the loop's clock.
        """
        loop = asyncio.get_running_loop()
        outputs = asyncio.Queue[Any]()
        name, done = uuid4().hex, False
        self.in_flight += 1
        try:
            self._manager.register_result_handler(name, outputs.put_nowait)
            if not self._manager.add_request(
                prompt, request_id=name, max_new_tokens=new_tokens, streaming=True, **drawing
            ):
                raise GenerationError("the model has stopped")
            while not done:
                output = await asyncio.wait_for(outputs.get(), deadline - loop.time())
                done = output.is_finished()
                if output.error is not None:
                    raise GenerationError(output.error)
                yield output.generated_tokens, done
        finally:
            self.in_flight -= 1
            if not done:
                self._manager.cancel_request(name)
                # Nobody is told when a request is cancelled; some of its tokens may still come.
                handlers = self._manager.output_router.result_handlers
                loop.call_later(_CANCELLED_SECONDS, handlers.pop, name, None)

    async def close(self) -> None:
        """Let the requests in flight end, then free the model."""
        while self.in_flight:
            await asyncio.sleep(0.05)
        await asyncio.to_thread(self.stop)

    def stop(self) -> None:
        """End decoding now, if it hasn't ended; the process can't end before."""
        if self.alive:
            self._manager.stop(block=True, hard_stop=True)
            self._manager.destroy()

    def _decode_one(self) -> None:
        self._manager.add_request([self.tokenizer.eos_token_id], max_new_tokens=1)
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            output = self._manager.get_result(timeout=0.2)
            if output is not None and output.error is None:
                return
            if output is not None or not self.alive:
                raise GenerationError(
                    output.error if output else self._manager.background_thread_status.fatal_error
                )
        raise GenerationError(f"no token within {_START_SECONDS} seconds")
