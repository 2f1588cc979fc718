"""The embedded engine against transformers, paired in one run: `python benchmarks/generation.py`.

Both answer the same questions of the last run's data about their passages, greedily, as synthesis asks for
them, with the same teacher: ours as teacher.engine openvino runs it, the peer by `generate` in static batches
of like length, in the type that the processor multiplies natively. Loading isn't counted.
It needs what `make repro` left: the teacher, chunks and synthetic data.

The last lines are JSON, one a comparison: name, ours, peer, unit, and ratio, which is ours / peer.
"""

import argparse
import gc
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from charter.generation.engine import Engine, Request
from charter.project.params import PARAMS_FILE, Params, load_params
from charter.project.paths import ProjectPaths
from charter.project.records import SPLITS, Chunk, InstructExample
from charter.project.sampling import take_evenly
from charter.project.storage import read_rows
from charter.stages.base_models import dequantize
from charter.synthesis.context import SynthesisContext
from charter.training.models import load_system
from comparisons import print_comparison, run

ROOT = Path(__file__).parent.parent
ANSWERS = 227
"""As many as were timed when the engines were chosen."""


def main(arguments: list[str] | None = None) -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--answers", type=int, default=ANSWERS, help=f"answers a side, {ANSWERS} by default")
    parser.add_argument("--batch", type=int, default=48, help="the peer's batch, 48 by default")
    options = parser.parse_args(arguments)
    params, paths = load_params(ROOT / PARAMS_FILE), ProjectPaths(ROOT)
    requests = workload(params, paths, options.answers)
    rates = [
        timed(load, requests)
        for load in (lambda: load_ours(params, paths), lambda: load_peer(params, paths, options.batch))
    ]
    for name, index, unit in (("answers", 0, "answers/s"), ("generated tokens", 1, "tokens/s")):
        print_comparison(name, rates[0][index], rates[1][index], unit)


def workload(params: Params, paths: ProjectPaths, count: int) -> list[Request]:
    """Return ``count`` requests for answers, evenly from all kept questions of all corpora."""
    requests = []
    for name, corpus in params.corpora.items():
        data = paths.corpus(name)
        chunks = {chunk.id: chunk for chunk in read_rows(data.chunks, Chunk)}
        settings = params.synthesize
        # Nobody is asked here, and nothing encoded: it only words the requests.
        context = SynthesisContext(corpus.title, (), (), None, None, settings, params.seed)  # type: ignore[arg-type]
        requests += [
            context.request(
                "synthetic_answer",
                chunks[row.chunk_id],
                max_tokens=settings.max_answer_tokens,
                question=row.question,
            )
            for split in SPLITS
            for row in read_rows(data.instruct(split), InstructExample)
        ]
    return take_evenly(requests, count)


def load_ours(params: Params, paths: ProjectPaths) -> Engine:
    """Load the teacher in the embedded engine."""
    from charter.generation.openvino_engine import OpenVinoEngine

    return OpenVinoEngine(
        paths.teacher,
        concurrency=params.teacher.concurrency,
        cache_gigabytes=params.teacher.cache_gigabytes,
    )


def load_peer(params: Params, paths: ProjectPaths, batch: int) -> Engine:
    """Load it in transformers, its weights dequantised."""
    from charter.generation.transformers_engine import TransformersEngine

    (gguf,) = paths.teacher.glob("*.gguf")
    with tempfile.TemporaryDirectory() as name:
        link = Path(name) / gguf.name
        link.symlink_to(gguf.resolve())
        dequantize(link)
        return TransformersEngine(*load_system(Path(name), None, params.compute), batch_size=batch)


def timed(load: Callable[[], Engine], requests: Sequence[Request]) -> tuple[float, float]:
    """Return answers and generated tokens a second of one engine, which is gone afterwards."""
    gc.collect()
    engine = load()
    start = time.perf_counter()
    tokens = [completion.tokens for _, completion in engine.complete(requests)]
    seconds = time.perf_counter() - start
    return len(tokens) / seconds, sum(tokens) / seconds


if __name__ == "__main__":
    run(main)
