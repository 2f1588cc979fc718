"""Charter's training of a 7B-shaped model on one GPU, against stock trl: `make gpu-check`.

Random weights of Mistral-7B's shape are made on the spot, with a tokenizer of this project's own texts. SFT
and DPO train a LoRA adapter over them in bf16, with the settings of profiles/paper.yaml but for its 4 bits:
ours by the functions that the stages call, stock by `SFTTrainer` and `DPOTrainer` with the same rows, LoRA,
batches, optimizer, schedule, and checkpointing. The sides alternate. Then the trained adapter answers as in
evaluation, and as plain transformers has it; the encoder runs; and nf4 trains where bitsandbytes is there.

A rate is tokens without padding a second over the steps after the first two; that of our DPO has its share
of the time in which the reference's log-probs were computed, which stock does within its steps. Progress is
printed, and the figures so far are written to --out as they come, failures too (exit code 1).
"""

import argparse
import gc
import json
import random
import statistics
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback
from transformers import trainer as trainer_module
from transformers.utils import is_bitsandbytes_available
from trl import DPOTrainer

from charter.project.devices import resolve_device, resolve_dtype
from charter.project.params import PARAMS_FILE, Params, parse_params, read_yaml
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.profiles import lay
from charter.project.records import InstructExample, PreferencePair, content_id
from charter.training.fine_tuning import train_on_answers
from charter.training.preference import train_on_preferences
from gpu_answers import decoding, encoder_speed, held_out_loss, project_tokenizer
from training import ROOT, save_random, sentence, stock_dpo, stock_sft

WARM_UP = 2
VOCABULARY = 32_000
TINY_VOCABULARY = 1000
TEXT_VOCABULARY = 8000
"""As many tokens as the project's texts have; the model has room for more."""

HELD_OUT = 32
MOST_WORDS = 400
"""Of a passage: those of the profile have up to 400 tokens."""

LIBRARIES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers", "bitsandbytes")


class StepClock(TrainerCallback):  # type: ignore[misc]
    """What a training shows of itself: the time and the tokens after each step, and its losses.

    The clock stands while a checkpoint is written: there are ten in a training of any length.
    """

    def __init__(self) -> None:
        self.steps: list[tuple[float, float]] = []
        self.losses: list[float] = []
        self.reference_seconds = self.checkpoint_seconds = self.logged = 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Note the time when the GPU has done the step."""
        self.steps.append((now() - self.checkpoint_seconds, float(state.num_input_tokens_seen)))

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
        """Note the loss."""
        if "loss" in logs:
            self.losses.append(logs["loss"])
        self.logged = now()

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Take the checkpoint's time out; a step is logged, then saved."""
        self.checkpoint_seconds += now() - self.logged


class Measurements:
    """The figures so far, on disk after each part; a part that fails leaves the others alone."""

    def __init__(self, out: Path, budget: float):
        self.out, self.start, self.budget = out, time.monotonic(), budget
        self.figures: dict[str, Any] = {"failures": []}

    def left(self) -> float:
        """Return the seconds that are left."""
        return self.budget - (time.monotonic() - self.start)

    def take(self, name: str, part: Callable[[], Any]) -> float:
        """Measure one part; return its seconds."""
        start = time.monotonic()
        say(f"{name} ... ({self.left():.0f} s left)")
        try:
            self.figures[name] = part()
            say(f"{name}: {json.dumps(self.figures[name])}")
        except Exception:  # what the next parts find is wanted all the same
            self.figures["failures"].append({"part": name, "traceback": traceback.format_exc()})
            say(f"{name} FAILED\n{traceback.format_exc()}")
        self.figures["seconds"] = round(time.monotonic() - self.start, 1)
        self.out.write_text(json.dumps(self.figures, indent=2) + "\n", encoding="utf-8")
        return time.monotonic() - start


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure everything; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("gpu-check.json"), help="the file of figures")
    parser.add_argument("--budget-minutes", type=float, default=8.0, help="no round is begun that ends later")
    parser.add_argument("--rounds", type=int, default=2, help="trainings a side and kind, 2 by default")
    parser.add_argument("--steps", type=int, default=12, help="optimizer steps a training, 12 by default")
    parser.add_argument("--tiny", action="store_true", help="two small layers: does everything run?")
    options = parser.parse_args(arguments)
    measured = Measurements(options.out, options.budget_minutes * 60)
    params = published_settings(tiny=options.tiny)
    if options.tiny:
        # With so little to compute, threads only wait for one another.
        torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        paths = ProjectPaths(Path(folder)).corpus("gpu")
        measured.take("machine", lambda: machine(params))
        measured.take("model", lambda: make_model(paths, options.tiny))
        most = 40 if options.tiny else MOST_WORDS
        kinds = training_kinds(options.steps, most, params, paths)
        rounds: dict[str, list[dict[str, Any]]] = {kind: [] for kind in kinds}

        def one_round(kind: str) -> dict[str, Any]:
            rounds[kind].append(compared_round(*kinds[kind]))
            return summary(rounds[kind])

        cost = {kind: measured.take(kind, lambda kind=kind: one_round(kind)) for kind in kinds}  # type: ignore[misc]
        prompts = [row.question for row in instruct_rows(8, most, seed=2)]
        held_out = instruct_rows(HELD_OUT, most, seed=3)
        stock = paths.root / "stock-sft"
        measured.take("decoding", lambda: decoding(params, paths, prompts))
        measured.take("held_out", lambda: held_out_loss(params, paths, stock, held_out))
        measured.take("encoder", lambda: encoder_speed(params, paths))
        for _ in range(options.rounds - 1):
            for kind in kinds:
                if cost[kind] < measured.left():
                    cost[kind] = measured.take(kind, lambda kind=kind: one_round(kind))  # type: ignore[misc]
        if not is_bitsandbytes_available():
            measured.figures["nf4"] = "skipped: bitsandbytes is not installed"
        elif cost["sft"] < measured.left():
            measured.take("nf4", lambda: quantized(options.steps, most, params, paths))
        measured.take("complete", lambda: not measured.figures["failures"])
    return 1 if measured.figures["failures"] else 0


def published_settings(tiny: bool) -> Params:
    """Return params.yaml under profiles/paper.yaml, over whole weights and on what is here, for one epoch."""
    values = read_yaml(ROOT / PARAMS_FILE)
    profile = read_yaml(ROOT / "profiles/paper.yaml")
    profile["compute"] = {"device": "auto", "dtype": "auto", "quantization": "none", "attention": "sdpa"}
    lay(profile, values)
    for section in ("sft", "dpo"):
        values[section] |= {"epochs": 1.0, "best_epoch": False}
        if tiny:
            values[section] |= {"batch_size": 2, "gradient_accumulation": 2, "learning_rate": 5e-3}
    return parse_params(values, "profiles/paper.yaml over params.yaml")


def machine(params: Params) -> dict[str, Any]:
    """Return what this runs on."""
    device = resolve_device(params.compute)
    versions = {}
    for library in LIBRARIES:
        try:
            versions[library] = version(library)
        except PackageNotFoundError:
            versions[library] = "not installed"
    return {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU",
        "dtype": str(resolve_dtype(params.compute)),
        "versions": versions,
        "sft": params.sft.model_dump(),
        "dpo": params.dpo.model_dump(),
    }


def make_model(paths: CorpusPaths, tiny: bool) -> dict[str, Any]:
    """Write the seed; return its shape."""
    vocabulary = TINY_VOCABULARY if tiny else VOCABULARY
    texts = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    tokenizer = project_tokenizer(texts, min(vocabulary, TEXT_VOCABULARY))
    paths.seed.parent.mkdir(parents=True)
    shape = "tiny" if tiny else "mistral-7b"
    parameters = save_random(paths.seed, shape, tokenizer, vocabulary)
    return {"shape": shape, "parameters": parameters, "vocabulary": vocabulary}


def training_kinds(
    steps: int, most: int, params: Params, paths: CorpusPaths
) -> dict[str, tuple[Callable[[], Any], Callable[[], Any]]]:
    """Return, by kind, what trains our side and what trains stock's, on the same rows."""
    sft, dpo = params.sft, params.dpo
    rows = instruct_rows(steps * sft.batch_size * sft.gradient_accumulation, most, seed=0)
    pairs = preference_rows(steps * dpo.batch_size * dpo.gradient_accumulation, most, seed=1)

    def equal(kind: str, settings: Any) -> dict[str, Any]:
        return {
            "output_dir": str(paths.root / f"stock-{kind}"),
            "activation_checkpointing": settings.gradient_checkpointing,
            "warmup_steps": settings.warmup_share,
            "weight_decay": settings.weight_decay,
            "logging_steps": 1,
            "bf16": resolve_dtype(params.compute) is torch.bfloat16,
        }

    return {
        "sft": (
            lambda: train_on_answers(rows, [], params, paths),
            lambda: stock_sft(rows, params, paths, **equal("sft", sft)),
        ),
        "dpo": (
            lambda: train_on_preferences(pairs, [], params, paths),
            lambda: stock_dpo(pairs, params, paths, **equal("dpo", dpo)),
        ),
    }


def instruct_rows(count: int, most: int, seed: int) -> list[InstructExample]:
    """Make up questions, half of them below a passage of at most ``most`` words, and answers."""
    words = random.Random(seed)  # noqa: S311  not for secrets
    return [
        InstructExample(
            id=content_id(str(number)),
            chunk_id="",
            rule="",
            style="rule",
            question=(sentence(words, most // 4, most) + "\n\n" if words.random() < 0.5 else "")
            + sentence(words, most // 27, most // 7),
            answer=sentence(words, most // 20, most * 3 // 10),
        )
        for number in range(count)
    ]


def preference_rows(count: int, most: int, seed: int) -> list[PreferencePair]:
    """Make up pairs of such lengths."""
    rejected = instruct_rows(count, most, seed + 100)
    return [
        PreferencePair(
            id=row.id, rule="", chunk_id="", prompt=row.question, chosen=row.answer, rejected=other.answer
        )
        for row, other in zip(instruct_rows(count, most, seed), rejected, strict=True)
    ]


def compared_round(ours: Callable[[], Any], stock: Callable[[], Any]) -> dict[str, Any]:
    """Train stock's side, then ours."""
    return {"stock": trained(stock), "ours": trained(ours)}


def trained(train: Callable[[], Any]) -> dict[str, Any]:
    """Train once, by itself on the GPU."""
    free_memory()
    start = now()
    with clocked() as clock:
        train()
    whole = now() - start
    (first, before), (last, after) = clock.steps[WARM_UP - 1], clock.steps[-1]
    reference = clock.reference_seconds * (after - before) / after
    found = {
        "tokens_per_second": round((after - before) / (last - first + reference), 1),
        "steps_only_tokens_per_second": round((after - before) / (last - first), 1),
        "reference_seconds": round(clock.reference_seconds, 2),
        "checkpoint_seconds": round(clock.checkpoint_seconds, 2),
        "whole_seconds": round(whole, 1),
        "tokens": after,
        "peak_gib": peak_gib(),
        "losses": [round(loss, 4) for loss in clock.losses],
    }
    say(f"  {json.dumps(found)}")
    return found


@contextmanager
def clocked() -> Iterator[StepClock]:
    """Have the next training clocked, whoever makes its trainer, and DPO's reference apart."""
    clock, precompute = StepClock(), DPOTrainer._precompute_ref_logps

    def timed(*arguments: Any) -> Any:
        start = now()
        result = precompute(*arguments)
        clock.reference_seconds += now() - start
        return result

    trainer_module.DEFAULT_CALLBACKS.append(clock)
    DPOTrainer._precompute_ref_logps = timed
    try:
        yield clock
    finally:
        trainer_module.DEFAULT_CALLBACKS.remove(clock)
        DPOTrainer._precompute_ref_logps = precompute


def summary(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Compare the sides over all rounds."""
    rates = {side: [turn[side]["tokens_per_second"] for turn in rounds] for side in ("ours", "stock")}
    ratios = [ours / stock for ours, stock in zip(rates["ours"], rates["stock"], strict=True)]
    losses = {side: rounds[-1][side]["losses"] for side in rates}
    means = {side: statistics.fmean(values) for side, values in losses.items()}
    return {
        "tokens_per_second": {side: round(statistics.fmean(values), 1) for side, values in rates.items()},
        "ratio": round(statistics.fmean(ratios), 4),
        "ratio_range": [round(min(ratios), 4), round(max(ratios), 4)],
        "peak_gib": {side: rounds[-1][side]["peak_gib"] for side in rates},
        "first_loss": {side: values[0] for side, values in losses.items()},
        "mean_loss": {
            name: round(value, 4)
            for name, value in (means | {"difference": means["ours"] - means["stock"]}).items()
        },
        "rounds": rounds,
    }


def quantized(steps: int, most: int, params: Params, paths: CorpusPaths) -> dict[str, Any]:
    """Train our SFT over 4-bit weights."""
    compute = params.compute.model_copy(update={"quantization": "nf4"})
    own = CorpusPaths(paths.root, "nf4")
    ours, _ = training_kinds(steps, most, params.model_copy(update={"compute": compute}), own)["sft"]
    return trained(ours)


def free_memory() -> None:
    """Give back what the last part held, and count the peak from here."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak_gib() -> float | None:
    """Return the most GPU memory that was allocated, if there is a GPU."""
    return round(torch.cuda.max_memory_allocated() / 2**30, 2) if torch.cuda.is_available() else None


def now() -> float:
    """Return the seconds of a clock, when the GPU has done what it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
