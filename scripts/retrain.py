"""Train a corpus's models anew and measure them: `python scripts/retrain.py udhr`, after `make repro`.

By default with other training seeds (the order of rows and the first adapter weights) on the same data,
which shows what a figure owes to chance in training; the table's intervals are of the questions, without it.
With --shuffle, once, on answers that are shuffled among their questions: a bad model, which the comparison
must show to be worse; otherwise the exit code is 1.

Nothing of the project is changed; the models are gone afterwards.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev

import numpy as np

from charter.documents.corpus_language import main_language
from charter.evaluation.evaluation_data import EvaluationData, predict
from charter.evaluation.local_system import local_system
from charter.evaluation.statistics import ClusteredBootstrap, Measure, Resampling, mean_measure
from charter.evaluation.text_metrics import bleu_measure, rouge_scores
from charter.project.errors import CharterError
from charter.project.params import PARAMS_FILE, Params, load_params
from charter.project.paths import CorpusPaths
from charter.project.records import Chunk, Demonstration, InstructExample, Prediction, PreferencePair, System
from charter.project.storage import read_rows
from charter.training.fine_tuning import train_on_answers
from charter.training.open_book import open_book_examples
from charter.training.preference import train_on_preferences

ROOT = Path(__file__).parent.parent
METRICS = ("bleu", "rougeL")


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Train, measure and print; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("corpus", help="whose models, such as udhr")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="1 2 3 by default")
    parser.add_argument("--shuffle", action="store_true", help="train SFT on shuffled answers instead")
    options = parser.parse_args(arguments)
    try:
        params, paths = load_params(root / PARAMS_FILE), CorpusPaths(root, options.corpus)
        if options.corpus not in params.corpora:
            parser.error(f"no corpus {options.corpus!r}; there are {', '.join(params.corpora)}")
        if options.shuffle:
            return _compare_with_shuffled(params, paths)
        _show_spread(params, paths, options.seeds)
    except CharterError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _show_spread(params: Params, paths: CorpusPaths, seeds: Sequence[int]) -> None:
    test = read_rows(paths.instruct("test"), InstructExample)
    train = read_rows(paths.instruct("train"), InstructExample)
    pairs, held_out = (read_rows(paths.preference(s), PreferencePair) for s in ("train", "validation"))
    bootstrap, language = _bootstrap(test, params), _language(paths)
    found: dict[System, list[dict[str, float]]] = {"sft": [], "dpo": []}
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            own = _apart(paths, Path(folder))
            seeded = params.model_copy(update={"seed": seed})
            _train_sft(train, seeded, paths, own)
            train_on_preferences(pairs, held_out, seeded, own)
            for system, rows in found.items():
                measured = measures(_answer(own, system, test, params), language)
                rows.append({name: bootstrap.estimate(measure).value for name, measure in measured.items()})
                figures = "  ".join(f"{name} {value:.3f}" for name, value in rows[-1].items())
                sys.stdout.write(f"seed {seed}  {system}  {figures}\n")
                sys.stdout.flush()
    for system, rows in found.items():
        for name in METRICS:
            values = [row[name] for row in rows]
            spread = f"{stdev(values):.3f}" if len(values) > 1 else "unknown"
            sys.stdout.write(
                f"{system} {name}: mean {fmean(values):.3f}, standard deviation {spread}, "
                f"{min(values):.3f} to {max(values):.3f} of {len(values)}\n"
            )


def _compare_with_shuffled(params: Params, paths: CorpusPaths) -> int:
    test = read_rows(paths.instruct("test"), InstructExample)
    train = read_rows(paths.instruct("train"), InstructExample)
    predicted = read_rows(paths.predictions, Prediction)
    by_item = {row.item_id: row for row in predicted if row.system == "sft" and not row.rag}
    with tempfile.TemporaryDirectory() as folder:
        own = _apart(paths, Path(folder))
        _train_sft(shuffled(train, params.seed), params, paths, own)
        bad = measures(_answer(own, "sft", test, params), _language(paths))
    good = measures([by_item[row.id] for row in test], _language(paths))
    bootstrap, shown = _bootstrap(test, params), True
    for name in METRICS:
        change = bootstrap.difference(bad[name], good[name])
        shown = shown and change.high is not None and change.high < 0
        interval = "no interval" if change.low is None else f"[{change.low:+.3f}, {change.high:+.3f}]"
        before = bootstrap.estimate(good[name]).value
        sys.stdout.write(
            f"{name}: sft {before:.3f}, shuffled {change.value:+.3f} to that, {interval}, n {change.n}\n"
        )
    sys.stdout.write("shown to be worse\n" if shown else "NOT shown to be worse\n")
    return 0 if shown else 1


def shuffled(rows: Sequence[InstructExample], seed: int) -> list[InstructExample]:
    """Return the rows with each other's answers."""
    order = np.random.default_rng(seed).permutation(len(rows))
    return [
        row.model_copy(update={"answer": rows[other].answer}) for row, other in zip(rows, order, strict=True)
    ]


def measures(answers: Sequence[Prediction], language: str | None) -> dict[str, Measure]:
    """Return the measure of each of METRICS."""
    texts, references = [row.answer for row in answers], [row.reference for row in answers]
    return {
        "bleu": bleu_measure(texts, references, language),
        "rougeL": mean_measure(rouge_scores(texts, references)["rougeL"]),
    }


def _language(paths: CorpusPaths) -> str | None:
    return main_language(chunk.language for chunk in read_rows(paths.chunks, Chunk))


def _bootstrap(test: Sequence[InstructExample], params: Params) -> ClusteredBootstrap:
    resampling = Resampling(params.evaluate.bootstrap_samples, params.seed)
    return ClusteredBootstrap([row.chunk_id for row in test], resampling)


def _apart(paths: CorpusPaths, folder: Path) -> CorpusPaths:
    """Return paths below a folder, with the project's base models."""
    own = CorpusPaths(folder, paths.name)
    own.seed.parent.parent.mkdir(parents=True)
    own.seed.parent.symlink_to(paths.seed.parent.resolve())
    return own


def _train_sft(train: list[InstructExample], params: Params, paths: CorpusPaths, own: CorpusPaths) -> None:
    validation = read_rows(paths.instruct("validation"), InstructExample)
    demonstrations = read_rows(paths.demonstrations, Demonstration)
    open_book = open_book_examples(train, read_rows(paths.chunks, Chunk), params.sft.open_book, params.seed)
    train_on_answers(train, validation, params, own, demonstrations, open_book)


def _answer(
    own: CorpusPaths, system: System, test: Sequence[InstructExample], params: Params
) -> list[Prediction]:
    local = local_system(system, params, own)
    held_out = EvaluationData(chunks={}, examples=test, pairs=(), retrieved={})
    with local.open(own.journal) as engine:
        return predict(engine, system, False, held_out, params.evaluate.max_new_tokens)


if __name__ == "__main__":
    sys.exit(main())
