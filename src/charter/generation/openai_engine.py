"""The engine for any OpenAI-compatible server: vLLM, a gateway, a vendor."""

import os
import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import httpx

from charter.errors import CharterError
from charter.generation.engine import Completion, Request

_ATTEMPTS = 6
_LONGEST_WAIT_SECONDS = 60.0


class OpenAIEngine:
    """Chat completions over HTTP, ``concurrency`` at once.

    A refusal that may pass (429, 5xx, a timeout, a lost connection) is tried again, with exponential
    backoff and jitter or after what Retry-After says. The key is read from OPENAI_API_KEY only.
    """

    def __init__(self, base_url: str, model: str, *, concurrency: int):
        """``base_url`` ends in /v1; ``model`` is the name the server offers it under."""
        key = os.environ.get("OPENAI_API_KEY")
        self._client = httpx.Client(
            base_url=base_url,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(600, connect=10),
            limits=httpx.Limits(max_connections=concurrency),
        )
        self._model = model
        self._concurrency = concurrency

    def complete(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Ask for all of them, and yield each as it is answered."""
        with ThreadPoolExecutor(self._concurrency) as pool:
            futures = {pool.submit(self._ask, request): index for index, request in enumerate(requests)}
            try:
                for future in as_completed(futures):
                    yield futures[future], future.result()
            finally:
                for future in futures:
                    future.cancel()

    def _ask(self, request: Request) -> Completion:
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [message.model_dump() for message in request.messages],
            "max_tokens": request.max_new_tokens,
            "temperature": request.temperature,
            "seed": request.seed,
        }
        if request.alternatives:
            body |= {"logprobs": True, "top_logprobs": request.alternatives}
        answer = self._post(body)
        choice = answer["choices"][0]
        alternatives: tuple[tuple[str, float], ...] = ()
        if request.alternatives:
            if not choice.get("logprobs"):
                raise CharterError("teacher.base_url: the server gives no logprobs; the validators need them")
            first = choice["logprobs"]["content"][0]["top_logprobs"]
            alternatives = tuple((item["token"], item["logprob"]) for item in first)
        tokens = answer.get("usage", {}).get("completion_tokens", 0)
        return Completion(text=choice["message"]["content"] or "", tokens=tokens, alternatives=alternatives)

    def _post(self, body: dict[str, Any]) -> Any:
        wait = 1.0
        problem = ""
        for _ in range(_ATTEMPTS):
            try:
                response = self._client.post("chat/completions", json=body)
            except httpx.TransportError as error:
                problem = f"{type(error).__name__}: {error}"
                pause = wait
            else:
                if response.is_success:
                    return response.json()
                problem = f"HTTP {response.status_code}: {response.text[:300]}"
                if response.status_code != 429 and response.status_code < 500:
                    break
                pause = _retry_after(response) or wait
            time.sleep(min(pause, _LONGEST_WAIT_SECONDS) * random.uniform(1.0, 1.5))  # noqa: S311
            wait *= 2
        raise CharterError(f"teacher.base_url: {self._client.base_url} did not answer: {problem}")


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdigit() else None
