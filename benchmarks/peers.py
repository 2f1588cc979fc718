"""Charter's instruct data against two peers', from the same served teacher: `python benchmarks/peers.py`.

Each side makes question/answer pairs of the same chunks once and validates them as it comes: ours with every
filter of its method, as `charter filters` shows them (pairs.json says how many are rules),
synthetic-data-kit by `create` and `curate` with its threshold, sdg_hub by its flow for documents with its
faithfulness filter. The figure is validated pairs a minute, over
the wall time of the side's own processes, imports included: what a user waits. A rate is compared and not
the time to some number of pairs, since no side stops at one. A second line leaves out of these pairs what
our filters of form refuse, such as an answer that is cut off or longer than 60 words, and either of both
speaking of "the text" or of an article's number; and a question that was there before. Ours has passed them
already, so that line favours ours: it counts what Charter could use.

The teacher is served by vLLM on the CPU in bfloat16, with one setting for all and anew for each side, so
that none reads what another one left in its cache. Before a side starts it has answered two requests, since
the first of a kind has it compile. vLLM and the peers are installed into .charter/benchmarks/, with the
dequantised teacher 12 GB, from benchmarks/environments/*.txt: they are for Python 3.11 on Linux with x86-64.
Needed is what `make repro` left: teacher, encoder and chunks.

The last lines are JSON, one a comparison: name, ours, peer, unit, and ratio, which is ours / peer.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from charter.project.params import load_params
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.records import Chunk
from charter.project.sampling import take_evenly
from charter.project.sections import Synthesize
from charter.project.storage import read_rows, write_rows
from charter.stages.base_models import dequantize
from charter.synthesis.context import SynthesisContext
from charter.synthesis.drafts import Draft, Ledger
from charter.synthesis.steps import run_steps
from charter.synthesis.text_filters import AnswerForm, Dangling, Mention, QuestionForm
from comparisons import print_comparison, run
from vllm_server import MODEL, BenchmarkError, make_environment, serving_vllm, tail

ROOT = Path(__file__).parent.parent
BENCHMARKS = Path(__file__).parent
OURS, KIT, HUB = "charter", "synthetic-data-kit", "sdg_hub"
SIDES = (OURS, KIT, HUB)
PAIRS_A_CHUNK = 6
"""What synthetic-data-kit may write: as many as ours asks for. Its 25 a document would end it early."""

SIDE_SECONDS = 1800.0
SIDE_LOG, SECONDS = "side.log", "seconds.txt"

# Nobody waits for what a library asks of the net as it is imported.
OFFLINE = {"HF_HUB_OFFLINE": "1", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


@dataclass(frozen=True)
class Workload:
    """What all sides are asked about: chunks of the corpus whose paths these are."""

    paths: CorpusPaths
    title: str
    settings: Synthesize
    chunks: list[Chunk]
    kit_chunk_size: int | None
    """In how many characters synthetic-data-kit divides the document; None: as it comes, 4000."""


@dataclass(frozen=True)
class Pair:
    """A question and its answer."""

    question: str
    answer: str


@dataclass(frozen=True)
class Written:
    """What a side made: how many pairs it had before it validated them, and which it kept."""

    before: int
    kept: list[Pair]


@dataclass(frozen=True)
class Outcome:
    """What a side made, which of it is in our form, and in how many seconds it made it."""

    written: Written
    formed: list[Pair]
    seconds: float


def main(arguments: list[str] | None = None) -> None:
    """Run the sides one after the other and print the comparisons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--corpus", default="udhr", help="udhr by default")
    parser.add_argument("--chunks", type=int, default=1000, help="chunks of it, evenly; all by default")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=SIDES, help="all by default")
    parser.add_argument(
        "--kit-chunk-size", type=int, help=f"characters a request of {KIT}, its own 4000 by default"
    )
    parser.add_argument(
        "--keep",
        type=Path,
        help="a folder for what sides and server leave; a side measured there isn't again",
    )
    options = parser.parse_args(arguments)
    # Without this a terminated run would leave its server behind: `finally` isn't reached.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    paths = ProjectPaths(ROOT).corpus(options.corpus)
    params = load_params(paths.params)
    corpora = params.corpora
    if options.corpus not in corpora:
        parser.error(f"--corpus: no {options.corpus!r}; there are {', '.join(corpora)}")
    workload = Workload(
        paths,
        corpora[options.corpus].title,
        params.synthesize,
        take_evenly(read_rows(paths.chunks, Chunk), options.chunks),
        options.kit_chunk_size,
    )
    outcomes = {}
    with tempfile.TemporaryDirectory() as temporary:
        for side in options.sides:
            folder = (options.keep or Path(temporary)).resolve() / side
            if not (folder / SECONDS).exists():
                measure(side, folder, workload)
            written = read_written(side, folder)
            formed = in_our_form(written.kept, workload)
            outcomes[side] = Outcome(written, formed, float((folder / SECONDS).read_text()))
            sys.stderr.write(describe(side, outcomes[side]) + "\n")
            if not outcomes[side].written.kept:
                sys.stderr.write(f"{side} kept nothing:\n{tail((folder / SIDE_LOG).read_text())}\n")
    compare(options.corpus, outcomes)


def measure(side: str, folder: Path, workload: Workload) -> None:
    """Run a side on a new server in ``folder``, where it leaves what it made, and how long that took."""
    cache = workload.paths.work / "benchmarks"
    server, teacher = environment(cache, "vllm"), dequantized_teacher(workload.paths, cache)
    programs = None if side == OURS else environment(cache, side)
    write_inputs(folder, workload.chunks)
    with serving_vllm(server, teacher, folder / "server.log") as url:
        seconds = run_side(commands_of(side, folder, programs, url, workload), folder / SIDE_LOG)
    (folder / SECONDS).write_text(str(seconds))


def environment(cache: Path, name: str) -> Path:
    """Return the programs of the environment of that name."""
    return make_environment(cache / name, BENCHMARKS / "environments" / f"{name}.txt")


def dequantized_teacher(paths: ProjectPaths, cache: Path) -> Path:
    """Return the teacher as a transformers folder: its own, or one made of its GGUF, once."""
    ggufs = list(paths.teacher.glob("*.gguf"))
    if not ggufs:
        return paths.teacher
    folder = cache / "teacher"
    link = folder / ggufs[0].name
    if not (folder / "tokenizer_config.json").exists() or link.resolve() != ggufs[0].resolve():
        folder.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(ggufs[0].resolve())
        dequantize(link)
    return folder


def write_inputs(folder: Path, chunks: Sequence[Chunk]) -> None:
    """Write the chunks as rows, and as one text with a blank line between them."""
    folder.mkdir(parents=True)
    write_rows(folder / "chunks.jsonl", chunks)
    (folder / "document.txt").write_text("\n\n".join(chunk.text for chunk in chunks))


def commands_of(
    side: str, folder: Path, programs: Path | None, url: str, workload: Workload
) -> list[list[str]]:
    """Return what a side runs; ``programs`` are those of its environment, None of this one."""
    if programs is None:
        script, corpus = BENCHMARKS / "sides" / "charter_instruct.py", workload.paths.name
        return [[sys.executable, str(script), str(workload.paths.root), str(folder), corpus, url, MODEL]]
    if side == HUB:
        script = BENCHMARKS / "sides" / "sdg_hub_flow.py"
        return [[str(programs / "python"), str(script), str(folder), workload.title, url, MODEL]]
    kit, served = [str(programs / "synthetic-data-kit")], ["--api-base", url, "--model", MODEL]
    if workload.kit_chunk_size is not None:
        kit += ["--config", str(write_kit_config(folder, programs, workload.kit_chunk_size))]
    generated, curated = folder / "document_qa_pairs.json", folder / "curated.json"
    create = ["create", str(folder / "document.txt"), "--type", "qa", "--output-dir", str(folder)]
    create += ["--num-pairs", str(PAIRS_A_CHUNK * len(workload.chunks))]
    return [[*kit, *create, *served], [*kit, "curate", str(generated), "--output", str(curated), *served]]


def write_kit_config(folder: Path, programs: Path, chunk_size: int) -> Path:
    """Write synthetic-data-kit's own configuration with another chunk size; its --chunk-size does nothing."""
    (packaged,) = programs.parent.glob("lib/python*/site-packages/synthetic_data_kit/config.yaml")
    # Written over and not anew: its prompts are to stay as they are to the letter.
    text, found = re.subn(r"(?m)^( +chunk_size:) *\d+", rf"\g<1> {chunk_size}", packaged.read_text())
    if found != 1:
        raise BenchmarkError(f"{packaged} has {found} chunk sizes, not one")
    config = folder / "config.yaml"
    config.write_text(text)
    return config


def run_side(commands: Sequence[Sequence[str]], log: Path) -> float:
    """Run the commands, which may fail, and return the seconds they took."""
    start = time.perf_counter()
    with log.open("w") as output:
        for command in commands:
            try:
                subprocess.run(  # noqa: S603
                    command,
                    # A peer makes folders where it runs.
                    cwd=log.parent,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=os.environ | OFFLINE,
                    timeout=SIDE_SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired as error:
                raise BenchmarkError(f"not done in {SIDE_SECONDS:.0f} s: {' '.join(command)}") from error
    return time.perf_counter() - start


def read_written(side: str, folder: Path) -> Written:
    """Read what a side left; where it failed, that is nothing."""
    if side == KIT:
        generated, curated = folder / "document_qa_pairs.json", folder / "curated.json"
        return Written(len(read_pairs(generated, "qa_pairs")), read_pairs(curated, "qa_pairs"))
    result = folder / "pairs.json"
    before = json.loads(result.read_text())["written"] if result.exists() else 0
    return Written(before, read_pairs(result, "pairs"))


def read_pairs(path: Path, key: str) -> list[Pair]:
    """Read pairs from a JSON file that may be missing."""
    if not path.exists():
        return []
    return [Pair(str(row["question"]), str(row["answer"])) for row in json.loads(path.read_text())[key]]


def in_our_form(pairs: Sequence[Pair], workload: Workload) -> list[Pair]:
    """Return the pairs with the form of a question and an answer, the first of each question."""
    settings = workload.settings
    steps = (
        QuestionForm(settings.min_question_words, settings.max_question_words),
        AnswerForm(settings.max_answer_words),
        Mention(),
        Dangling(),
    )
    # These filters ask nobody and encode nothing; of a chunk they read the language.
    context = SynthesisContext(workload.title, workload.chunks, (), None, None, settings, 0)  # type: ignore[arg-type]
    drafts = [Draft(workload.chunks[0], question=pair.question, answer=pair.answer) for pair in pairs]
    first: dict[str, Pair] = {}
    for draft in run_steps(steps, drafts, context, Ledger("instruct")):
        first.setdefault(draft.question.casefold(), Pair(draft.question, draft.answer))
    return list(first.values())


def describe(side: str, outcome: Outcome) -> str:
    """Return a line about what a side did."""
    written = outcome.written
    return (
        f"{side}: {written.before} pairs written, {len(written.kept)} kept, "
        f"{len(outcome.formed)} of them in our form, in {outcome.seconds:.1f} s"
    )


def rate(outcome: Outcome, formed: bool) -> float:
    """Return the pairs a minute that were kept, or those of them in our form."""
    return 60 * len(outcome.formed if formed else outcome.written.kept) / outcome.seconds


def compare(corpus: str, outcomes: dict[str, Outcome]) -> None:
    """Print ours against each peer: validated pairs, and those of them in our form, a minute."""
    for peer in (KIT, HUB):
        if OURS in outcomes and peer in outcomes:
            for name, formed in (("validated pairs", False), ("validated pairs in our form", True)):
                ours, theirs = (rate(outcomes[side], formed) for side in (OURS, peer))
                print_comparison(f"{name}, {corpus}, against {peer}", ours, theirs, "pairs/min")


if __name__ == "__main__":
    run(main)
