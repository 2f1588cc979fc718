"""`charter serve` against `transformers serve` under load: `python benchmarks/serving_load.py CORPUS`.

Both serve the same model on loopback, in turns, with the type of weights and the threads that they choose:
ours the champion with its adapter, the peer what `charter export model --merged` writes of it. Clients ask
questions of the last run's data, each the next as soon as it has a reply. Replies are greedy, and of the same
length at most. Loading isn't counted. Run it in a project's folder that has a champion and synthetic data.
The peer comes with Charter's dev extra, which has transformers[serving].

A line of JSON a side; then one a comparison: name, ours, peer, unit, and ratio, which is ours / peer.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from charter.cli.context import open_corpus
from charter.project.records import SPLITS, InstructExample
from charter.project.storage import read_rows
from charter.registry.versions import model_name
from comparisons import print_comparison, run
from vllm_server import BenchmarkError, free_port, run_quietly, serving

SECONDS = 600
"""How long a reply may take; a server that serves one after the other is slow under load."""


@dataclass
class Load:
    """What clients saw: how long it took, each reply with its seconds and tokens, texts, what went wrong."""

    seconds: float = 0.0
    replies: list[tuple[float, int]] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)

    def figures(self) -> dict[str, float]:
        """Return requests and tokens a second, and the median and 95th percentile of seconds a reply."""
        taken, tokens = np.array(self.replies or [(np.nan, 0)]).T
        p50, p95 = np.percentile(taken, (50, 95))
        requests, written = len(self.replies) / self.seconds, tokens.sum() / self.seconds
        return {"requests": requests, "tokens": float(written), "p50": float(p50), "p95": float(p95)}


def main(arguments: list[str] | None = None) -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("corpus", help="whose champion is served")
    parser.add_argument("--clients", type=int, default=32, help="at once, 32 by default")
    parser.add_argument("--requests", type=int, default=256, help="a side and round, 256 by default")
    parser.add_argument("--tokens", type=int, default=64, help="that a reply may have, 64 by default")
    parser.add_argument("--rounds", type=int, default=2, help="of both sides, 2 by default")
    parser.add_argument(
        "--quick", action="store_true", help="one round of a few requests, to see that it works"
    )
    parser.add_argument("--peer-batches", action="store_true", help="the peer with --continuous-batching")
    options = parser.parse_args(arguments)
    if options.quick:
        options.requests, options.tokens, options.rounds = options.clients, 8, 1
    questions = list(islice(cycle(_questions(options.corpus)), options.requests))
    ours, peer = Load(), Load()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, "-m", "charter", "export", "model", options.corpus, str(folder / "merged")]
        run_quietly([*command, "--merged"])
        for number in range(options.rounds):
            # Who comes first changes, so that a machine that slows down is no side's fault.
            for side in (ours, peer)[:: -1 if number % 2 else 1]:
                serve = _ours if side is ours else _peer
                with serve(folder, options) as (url, model):
                    _ask(url, model, "Is it ready?", 1)
                    asyncio.run(_load(side, url, model, questions, options))
    for name, side in (("charter", ours), ("transformers", peer)):
        line = side.figures() | {"replies": len(side.replies), "errors": dict(side.errors)}
        sys.stdout.write(json.dumps({"side": name} | line) + "\n")
    shared = ours.texts.keys() & peer.texts.keys()
    same = sum(ours.texts[text] == peer.texts[text] for text in shared)
    sys.stdout.write(json.dumps({"questions": len(shared), "same reply": same}) + "\n")
    units = {"requests": "requests/s", "tokens": "tokens/s", "p50": "s", "p95": "s"}
    for name, unit in units.items():
        print_comparison(name, ours.figures()[name], peer.figures()[name], unit)


def _questions(corpus: str) -> list[str]:
    _, paths = open_corpus(corpus)
    files = [paths.instruct(split) for split in SPLITS if paths.instruct(split).exists()]
    found = [row.question for file in files for row in read_rows(file, InstructExample)]
    if not found:
        raise BenchmarkError(
            f"{paths.instruct('test')}: no questions; `dvc repro synthesize@{corpus}` makes them"
        )
    return list(dict.fromkeys(found))


@contextmanager
def _ours(folder: Path, options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    port, clients = free_port(), str(options.clients)
    command = [sys.executable, "-m", "charter", "serve", options.corpus, "--port", str(port)]
    command += ["--concurrency", clients, "--waiting", clients, "--timeout", str(SECONDS)]
    with serving(command, f"http://127.0.0.1:{port}/health", folder / "charter.log", {}):
        yield f"http://127.0.0.1:{port}", model_name(options.corpus, "dpo")


@contextmanager
def _peer(folder: Path, options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    port, model = free_port(), str(folder / "merged")
    command = [str(Path(sys.executable).parent / "transformers"), "serve", model, "--device", "auto"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    command += ["--continuous-batching"] if options.peer_batches else []
    settings = {"HF_HUB_OFFLINE": "1"}
    with serving(command, f"http://127.0.0.1:{port}/health", folder / "transformers.log", settings):
        yield f"http://127.0.0.1:{port}", model


async def _load(
    side: Load, url: str, model: str, questions: Sequence[str], options: argparse.Namespace
) -> None:
    """Let clients ask all questions once, and add what they saw."""
    left = iter(questions)
    limits = httpx.Limits(max_connections=options.clients)
    start = time.perf_counter()
    async with httpx.AsyncClient(limits=limits, timeout=SECONDS) as client:

        async def ask_on() -> None:
            for question in left:
                asked = time.perf_counter()
                try:
                    place, body = _request(url, model, question, options.tokens)
                    answer = await client.post(place, json=body)
                    reply = answer.raise_for_status().json()
                except httpx.HTTPStatusError as error:
                    side.errors[f"status {error.response.status_code}"] += 1
                except httpx.TransportError as error:
                    side.errors[type(error).__name__] += 1
                else:
                    side.replies.append((time.perf_counter() - asked, reply["usage"]["completion_tokens"]))
                    side.texts[question] = reply["choices"][0]["message"]["content"].strip()

        await asyncio.gather(*(ask_on() for _ in range(options.clients)))
    side.seconds += time.perf_counter() - start


def _ask(url: str, model: str, question: str, tokens: int) -> None:
    """Ask once: a server may load or compile with its first request."""
    place, body = _request(url, model, question, tokens)
    httpx.post(place, json=body, timeout=SECONDS).raise_for_status()


def _request(url: str, model: str, question: str, tokens: int) -> tuple[str, dict[str, Any]]:
    body = {"model": model, "messages": [{"role": "user", "content": question}], "temperature": 0}
    return f"{url}/v1/chat/completions", body | {"max_tokens": tokens}


if __name__ == "__main__":
    run(main)
