"""Is it the pairs that DPO learns from? `python scripts/dpo_controls.py udhr`, after `make repro`.

Trains DPO three times from the corpus's SFT model: on the training pairs as they are, with chosen and
rejected swapped, and with each pair swapped or not by a coin. Each model decides the dilemmas of the exam's
dev part, and it is told by how much that moved the margin of the faithful reply, nats a token. If the pairs
teach values, they raise it, swapped ones lower it, and a coin's don't raise it; else the exit code is 1.

Nothing of the project is changed; the models are gone afterwards.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from charter.evaluation.dev_exam import dev_examination
from charter.evaluation.examination import Examination
from charter.evaluation.local_system import local_system
from charter.evaluation.results import Estimate
from charter.evaluation.statistics import ClusteredBootstrap, Resampling, mean_measure
from charter.project.errors import CharterError
from charter.project.exam_records import ExamDecision
from charter.project.params import PARAMS_FILE, Params, load_params
from charter.project.paths import CorpusPaths
from charter.project.records import PreferencePair, System
from charter.project.storage import read_rows
from charter.report.claims import direction
from charter.training.preference import train_on_preferences

ROOT = Path(__file__).parent.parent


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Train, measure and print; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("corpus", help="whose pairs, such as udhr")
    options = parser.parse_args(arguments)
    try:
        params, paths = load_params(root / PARAMS_FILE), CorpusPaths(root, options.corpus)
        if options.corpus not in params.corpora:
            parser.error(f"no corpus {options.corpus!r}; there are {', '.join(params.corpora)}")
        return _compare(params, paths)
    except CharterError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _compare(params: Params, paths: CorpusPaths) -> int:
    examination = dev_examination(params, paths)
    before = _decide(examination, paths, "sft", params)
    pairs = read_rows(paths.preference("train"), PreferencePair)
    coins = np.random.default_rng(params.seed).random(len(pairs)) < 0.5
    arms = {
        "as they are": pairs,
        "swapped": [swap(pair) for pair in pairs],
        "by a coin": [swap(pair) if coin else pair for pair, coin in zip(pairs, coins, strict=True)],
    }
    bootstrap = ClusteredBootstrap(
        [row.section for row in before], Resampling(params.evaluate.bootstrap_samples, params.seed)
    )
    moved = {}
    for name, rows in arms.items():
        with tempfile.TemporaryDirectory() as folder:
            own = _apart(paths, Path(folder))
            train_on_preferences(rows, [], params, own)
            after = _decide(examination, own, "dpo", params)
        changes = [one.margin - other.margin for one, other in zip(after, before, strict=True)]
        moved[name] = bootstrap.estimate(mean_measure(changes))
        right, first = (sum(row.margin > 0 for row in decided) for decided in (after, before))
        sys.stdout.write(
            f"pairs {name}: {right} of {len(after)} dilemmas rightly, SFT {first}; "
            f"margin {moved[name].value:+.4f} {_interval(moved[name])} nats a token\n"
        )
        sys.stdout.flush()
    sides = {name: direction(estimate) for name, estimate in moved.items()}
    shown = sides["as they are"] > 0 > sides["swapped"] and sides["by a coin"] <= 0
    sys.stdout.write("the pairs teach values\n" if shown else "NOT shown that the pairs teach values\n")
    return 0 if shown else 1


def swap(pair: PreferencePair) -> PreferencePair:
    """Return a pair with chosen and rejected in each other's place."""
    return pair.model_copy(update={"chosen": pair.rejected, "rejected": pair.chosen})


def _interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return "(no interval)"
    return f"[{estimate.low:+.4f}, {estimate.high:+.4f}]"


def _decide(
    examination: Examination, paths: CorpusPaths, system: System, params: Params
) -> Sequence[ExamDecision]:
    return examination.decide(local_system(system, params, paths), system, rags=(False,))


def _apart(paths: CorpusPaths, folder: Path) -> CorpusPaths:
    """Return paths below a folder, with the project's base models and SFT adapter."""
    own = CorpusPaths(folder, paths.name)
    for theirs, ours in ((paths.seed.parent, own.seed.parent), (paths.adapter("sft"), own.adapter("sft"))):
        ours.parent.mkdir(parents=True)
        ours.symlink_to(theirs.resolve())
    return own


if __name__ == "__main__":
    sys.exit(main())
