"""Traces: what was asked of a model and what it answered, request by request, in a corpus's experiment."""

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from charter.generation.engine import Completion, Request
from charter.generation.journal import JournaledEngine
from charter.project.citations import place_of
from charter.project.records import Chunk
from charter.training.chat import Chat

if TYPE_CHECKING:
    from mlflow import MlflowClient

SWITCH = "MLFLOW_TRACING"
"""The variable that switches traces on, with 1 or true. It is Charter's; MLflow has none of this meaning."""


@dataclass(frozen=True)
class Exchange:
    """A request and its answer: ``chat`` is what the model was asked, in full, ``passages`` are in it.

    ``name`` is what the trace is called, ``version`` tells the weights of the ``model``, ``began`` is in ns
    since 1970. ``tokens`` were read and written. ``problem`` says why the answer isn't whole.
    """

    name: str
    model: str
    version: str
    began: int
    chat: Chat
    answer: str
    passages: Sequence[Chunk] = ()
    tokens: tuple[int, int] | None = None
    problem: str | None = None


class Traces:
    """Writes traces; MLflow sends them from its own threads, and warns of those that it can't send."""

    def __init__(self, client: "MlflowClient", experiment_id: str):
        self._client = client
        self._experiment_id = experiment_id

    def add(self, exchange: Exchange) -> None:
        """Write the trace of a request that ends now."""
        try:
            self._write(exchange)
        except Exception as error:  # an answer must not fail over its trace
            sys.stderr.write(f"charter: warning: a request has no trace: {error!r}\n")

    def watch(self, engine: JournaledEngine, model: str) -> None:
        """Write a trace of each request to an engine from now on; ``model`` is its name."""

        def note(
            purpose: str, requests: Sequence[Request], completions: Sequence[Completion], seconds: float
        ) -> None:
            for request, completion in zip(requests, completions, strict=True):
                exchange = Exchange(
                    name=purpose,
                    model=model,
                    version=engine.identity,
                    began=time.time_ns() - round(seconds * 1e9),
                    chat=[{"role": turn.role, "content": turn.content} for turn in request.messages],
                    answer=completion.text,
                    tokens=(completion.prompt_tokens or 0, completion.tokens),
                    problem=completion.problem,
                )
                self.add(exchange)

        engine.observer = note

    def flush(self) -> None:
        """Wait until all traces are sent, or can't be."""
        import mlflow

        mlflow.flush_trace_async_logging()

    def _write(self, exchange: Exchange) -> None:
        from mlflow.entities import SpanType
        from mlflow.tracing.constant import SpanAttributeKey, TokenUsageKey

        client, began = self._client, exchange.began
        root = client.start_trace(
            exchange.name,
            SpanType.CHAT_MODEL,
            inputs={"messages": exchange.chat},
            tags={"model": exchange.model, "version": exchange.version},
            experiment_id=self._experiment_id,
            start_time_ns=began,
        )
        if exchange.passages:
            span = client.start_span(
                "passages", root.trace_id, root.span_id, SpanType.RETRIEVER, start_time_ns=began
            )
            # Passages in the shape in which MLflow shows them; how long the search took isn't known.
            found = [
                {"page_content": chunk.text, "metadata": place_of(chunk), "id": chunk.id}
                for chunk in exchange.passages
            ]
            client.end_span(root.trace_id, span.span_id, found, end_time_ns=began)
        if exchange.tokens:
            names = (TokenUsageKey.INPUT_TOKENS, TokenUsageKey.OUTPUT_TOKENS, TokenUsageKey.TOTAL_TOKENS)
            counts = (*exchange.tokens, sum(exchange.tokens))
            root.set_attribute(SpanAttributeKey.CHAT_USAGE, dict(zip(names, counts, strict=True)))
        client.end_trace(
            root.trace_id,
            exchange.answer,
            {"problem": exchange.problem} if exchange.problem else None,
            "ERROR" if exchange.problem else "OK",
        )


def open_traces(root: Path, corpus: str, title: str) -> Traces | None:
    """Return where traces of a corpus go, or None where they aren't switched on: then nothing is imported.

    Raises:
        CharterError: The store can't be reached, or the corpus's experiment was deleted.
    """
    if os.environ.get(SWITCH, "").lower() not in {"1", "true"}:
        return None
    from charter.registry.store import open_store

    with open_store(root) as client:
        return Traces(client, trace_experiment(client, root, corpus, title))


def trace_experiment(client: "MlflowClient", root: Path, corpus: str, title: str) -> str:
    """Have this process write traces to the project's store, and return the id of the corpus's experiment."""
    import mlflow

    from charter.registry.runs import find_experiment
    from charter.registry.store import is_server, tracking_uri

    uri = tracking_uri(root)
    if not is_server(uri):
        # SQLite has one writer at a time, for which some of MLflow's ten threads wait in vain.
        os.environ.setdefault("MLFLOW_ASYNC_TRACE_LOGGING_MAX_WORKERS", "1")
    # Traces go to the store of the process; no client can be told another.
    mlflow.set_tracking_uri(uri)
    experiment_id = find_experiment(client, root, corpus, title)
    mlflow.tracing.enable()
    return experiment_id
