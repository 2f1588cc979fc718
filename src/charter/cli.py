"""The command line: parse, load parameters, call, record."""

import gc
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer
from rich.console import Console

from charter import warm_start
from charter.errors import CharterError
from charter.generation.budget import BudgetSpentError
from charter.memory import keep_freed_memory
from charter.params import PARAMS_FILE, Params, load_params
from charter.paths import ProjectPaths
from charter.records import Chunk, Judgement, Prediction
from charter.results import Evaluation, load_evaluation, result_rows
from charter.storage import read_rows, write_json, write_text

app = typer.Typer(
    name="charter",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Align a language model with a document of values, and see whether it keeps them. "
    "`dvc repro` runs the pipeline; these commands prepare it, read its results and promote its models.",
)

CORPUS_STAGES = ("extract", "synthesize", "validators", "cft", "sft", "dpo", "rag-index", "evaluate")
SHARED_STAGES = ("base-models", "fetch-documents", "fetch-prompts", "demonstrations", "report")

CorpusArgument = Annotated[str, typer.Argument(help="A corpus of params.yaml, such as udhr.")]


def main() -> None:
    """Run the command line; what the user can mend is one message and exit code 1."""
    if sys.argv[1:2] == ["stage"] and (code := warm_start.delegate()) is not None:
        sys.exit(code)
    try:
        app()
    except CharterError as error:
        sys.stderr.write(f"charter: {error}\n")
        sys.exit(1)


@app.command()
def stage(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(SHARED_STAGES + CORPUS_STAGES)}.")],
    corpus: Annotated[str | None, typer.Argument(help="The corpus, for a stage that is of one.")] = None,
) -> None:
    """Run one stage, as dvc.yaml does. Use `dvc repro` to run what is needed, in order."""
    if name not in SHARED_STAGES + CORPUS_STAGES:
        raise CharterError(f"no stage {name!r}; there are {', '.join(SHARED_STAGES + CORPUS_STAGES)}")
    if (name in CORPUS_STAGES) != (corpus is not None):
        raise CharterError(f"stage {name} takes {'a corpus' if name in CORPUS_STAGES else 'no corpus'}")
    root, params = _project()
    keep_freed_memory()
    module = _import_stage(name)
    if corpus is None:
        shared = ProjectPaths(root)
        if figures := module.run(params, shared):
            write_json(shared.shared_metrics(name), figures)
        if name == "report":
            _publish(root, params, None)
        return
    _check_corpus(params, corpus)
    paths = ProjectPaths(root).corpus(corpus)
    try:
        metrics = module.run(params, paths)
    except BudgetSpentError as error:
        raise CharterError(f"{error} {_left(root, params, corpus)}") from error
    # Of the processes that `accelerate launch` starts, the main one writes.
    if os.environ.get("RANK", "0") == "0":
        write_json(paths.metrics(name), metrics)
    if name == "evaluate":
        _publish(root, params, [corpus])


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def repro(context: typer.Context) -> None:
    """Run `dvc repro`, with what follows, and its stages without importing their libraries anew for each.

    The results are those of `dvc repro`. On Linux without a GPU it saves some two seconds a stage.
    """
    _project()
    command = [str(Path(sys.executable).with_name("dvc")), "repro", *context.args]
    if not warm_start.available():
        sys.exit(subprocess.run(command, check=False).returncode)  # noqa: S603
    keep_freed_memory()
    sys.exit(warm_start.run(command, _prepare, main))


@app.command()
def estimate(
    corpora: Annotated[list[str] | None, typer.Argument(help="Which; all of params.yaml.")] = None,
    measure: Annotated[
        bool,
        typer.Option(
            "--calibrate/--no-calibrate",
            help="Time up to 25 requests, whose answers are kept; without, no time is given.",
        ),
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of objects.")] = False,
) -> None:
    """Say what synthesize will ask of the teacher: requests, tokens, time, and cost by budget.prices.

    Counts chunks that extract made. What the journal answers isn't asked again. How many answers will pass
    the filters is taken from the corpus's last run, or from defaults; the output says which. Evaluation's
    requests aren't counted. With --json: a list of {corpus, yields, exact_tokens, purposes, total, low, high,
    minutes, cost, unit}.
    """
    from charter.estimate import Estimator, estimate_table

    root, params = _project()
    for corpus in corpora or ():
        _check_corpus(params, corpus)
    chosen = corpora or list(params.corpora)
    estimator = Estimator(params, ProjectPaths(root))
    speed = estimator.calibrate(chosen) if measure else None
    found = [estimator.estimate(corpus, speed) for corpus in chosen]
    if as_json:
        sys.stdout.write(json.dumps([asdict(item) for item in found], indent=1) + "\n")
    else:
        Console().print(estimate_table(found))


@app.command()
def results(
    corpora: Annotated[list[str] | None, typer.Argument(help="Which; all that are evaluated.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of objects.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
) -> None:
    """Print the table of results beside the published one, with 95 % intervals.

    With --json: a list of {corpus, system, rag, metric, value, low, high, n}; rag is true, false or "gold".
    """
    from charter.evaluation.table import results_markdown, results_table

    evaluations = _evaluations(corpora)
    if as_json:
        rows = [row for evaluation in evaluations for row in result_rows(evaluation)]
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
    elif as_markdown:
        sys.stdout.write(results_markdown(evaluations) + "\n")
    else:
        Console().print(results_table(evaluations))


@app.command()
def answers(
    corpus: CorpusArgument,
    system: Annotated[str, typer.Option(help="Whose answers: seed, dpo, dpo+rag, ...")] = "dpo",
    against: Annotated[str | None, typer.Option(help="Show what differs most from this system's.")] = None,
    worst: Annotated[int, typer.Option(min=1, help="How many to print.")] = 10,
    csv: Annotated[Path | None, typer.Option(help="Write all answers of all systems here instead.")] = None,
) -> None:
    """Print a system's worst answers by ROUGE-L, or those that differ most from another system's.

    Each comes with its question, reference, source, scores and, where it was judged, the judge's score.
    """
    from charter.evaluation.answers import answers_csv, describe_answer, most_changed, score_answers
    from charter.evaluation.answers import worst as worst_answers

    root, params = _project()
    _check_corpus(params, corpus)
    paths = ProjectPaths(root).corpus(corpus)
    predictions = read_rows(paths.predictions, Prediction)
    scored = score_answers(
        predictions, read_rows(paths.judgements, Judgement), read_rows(paths.chunks, Chunk)
    )
    if csv:
        write_text(csv, answers_csv(scored))
        Console().print(f"{len(scored)} answers in {csv}", highlight=False)
        return
    labels = list(dict.fromkeys(row.label for row in scored))
    for label in (system, against):
        if label is not None and label not in labels:
            raise CharterError(f"no answers of {label!r} to {corpus}; there are those of {', '.join(labels)}")
    if against is None:
        texts = [describe_answer(row) for row in worst_answers(scored, system, worst)]
    else:
        changes = most_changed(scored, system, against, worst)
        texts = [describe_answer(change.own, change.other) for change in changes]
    sys.stdout.write("\n\n".join(texts or ["no difference"]) + "\n")


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What to call the corpus: lower case, digits, - and _.")],
    sources: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files, folders or globs.")],
    title: Annotated[str | None, typer.Option(help="How prompts and reports call the documents.")] = None,
) -> None:
    """Make a corpus of your own documents: PDF, DOCX, PPTX, HTML, Markdown, text, EPUB.

    They are copied to data/raw/NAME and the corpus is added to params.yaml. Nothing is run; to try a few
    chunks first: dvc exp run -S extract.limit=3 synthesize@NAME
    """
    from charter.documents.adding import add_corpus

    root, _ = _project()
    corpus = add_corpus(root, name, sources, title)
    Console().print(f"added {name}: {corpus.path}\nnow run: dvc repro evaluate@{name}", highlight=False)


@app.command()
def profile(
    name: Annotated[str | None, typer.Argument(help="Leave it out to list them.")] = None,
) -> None:
    """Lay a profile (profiles/NAME.yaml) over params.yaml; `charter profile default` goes back."""
    from charter.profiles import apply_profile, list_profiles

    root, params = _project()
    if name is None:
        for known in list_profiles(root):
            Console().print(f"{known}{'  (in params.yaml now)' if known == params.profile else ''}")
        return
    apply_profile(root, name)
    Console().print(f"params.yaml now holds profile {name}; `charter profile default` goes back")


@app.command("params")
def check_params() -> None:
    """Check params.yaml; a bad key is named with its dotted path."""
    _, params = _project()
    corpora = ", ".join(params.corpora)
    Console().print(f"{PARAMS_FILE} is valid: profile {params.profile}, corpora {corpora}", highlight=False)


@app.command()
def diff(
    corpora: Annotated[list[str] | None, typer.Argument(help="Which; all that are extracted.")] = None,
    rev: Annotated[str, typer.Option(help="The git revision to compare with.")] = "HEAD",
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of objects.")] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 1 if anything differs.")] = False,
) -> None:
    """Say what has changed in chunks and data since a git revision, section by section.

    With --json: a list of {corpus, kind, change, document, headings, before, after, split_before,
    split_after}.
    """
    from charter.differences import describe, find_differences, summarize
    from charter.revisions import read_present, read_revision

    root, params = _project()
    for corpus in corpora or ():
        _check_corpus(params, corpus)
    project = ProjectPaths(root)
    rows = []
    for corpus in corpora or [name for name in params.corpora if project.corpus(name).chunks.exists()]:
        paths = project.corpus(corpus)
        found = find_differences(read_revision(paths, rev), read_present(paths))
        rows += [{"corpus": corpus, **asdict(item)} for item in found]
        if not as_json:
            text = f"{summarize(found)}\n{describe(found)}" if found else "no difference"
            sys.stdout.write(f"{corpus} since {rev}: {text}\n")
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
    if exit_code and rows:
        raise typer.Exit(1)


@app.command()
def export(
    to: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write; it is made if need be.")],
    corpora: Annotated[list[str] | None, typer.Argument(help="Which; all that have data.")] = None,
) -> None:
    """Write the synthetic data as Hugging Face data sets: Parquet, and a card that tells how it was made.

    Each corpus has two, in trl's format: load_dataset(DIR, "udhr-instruct") has prompt and completion,
    load_dataset(DIR, "udhr-preference") prompt, chosen and rejected; both have what each row was written
    from. An earlier export in DIR is replaced. Nothing is uploaded: `hf upload` takes DIR as it is.
    """
    from charter.dataset_export import export_data

    root, params = _project()
    for corpus in corpora or ():
        _check_corpus(params, corpus)
    exported = export_data(root, params, corpora, to)
    console = Console(highlight=False)
    for name, splits in exported.rows.items():
        counts = ", ".join(f"{split} {rows}" for split, rows in splits.items())
        console.print(f"{name}: {counts}", soft_wrap=True)
    console.print(f"wrote {exported.folder}; its README.md is the data card", soft_wrap=True)


@app.command()
def publish(
    corpora: Annotated[list[str] | None, typer.Argument(help="Which; all that are evaluated.")] = None,
) -> None:
    """Mirror what the files say into MLflow; what is there already isn't written again.

    evaluate does this when it runs. A state that DVC restored from its cache needs this command.
    """
    root, params = _project()
    for corpus in corpora or ():
        _check_corpus(params, corpus)
    _publish(root, params, corpora)


@app.command()
def ui(port: Annotated[int, typer.Option(help="Where to listen, on this machine only.")] = 5000) -> None:
    """Open the MLflow UI over this project's runs and models."""
    from charter.tracking.store import ui_command

    root, params = _project()
    _publish(root, params, None)
    command = ui_command(root, port)
    Console().print(f"MLflow UI: http://127.0.0.1:{port} (Ctrl-C ends it)", highlight=False)
    os.execv(command[0], command)  # noqa: S606  the command is ours


@app.command()
def promote(corpus: CorpusArgument) -> None:
    """Make a corpus's candidate the champion if every gate of params.yaml holds; else exit code 1."""
    from charter import registry

    root, params = _project()
    _check_corpus(params, corpus)
    promotion = registry.promote(root, corpus, params.gates)
    console = Console(highlight=False)
    for gate in promotion.gates:
        console.print(f"[{'green]pass' if gate.passed else 'red]FAIL'}[/] {gate.text}", soft_wrap=True)
    if not promotion.promoted:
        failed = sum(not gate.passed for gate in promotion.gates)
        raise CharterError(
            f"{promotion.model} version {promotion.version} is not promoted: {failed} gates don't hold"
        )
    console.print(f"{promotion.model} version {promotion.version} is champion")


@app.command()
def rollback(corpus: CorpusArgument) -> None:
    """Make the version that was champion before the present one champion again."""
    from charter import registry

    root, params = _project()
    _check_corpus(params, corpus)
    outcome = registry.rollback(root, corpus)
    Console(highlight=False).print(
        f"{outcome.model} version {outcome.version} is champion again; version {outcome.withdrawn} was"
    )


def _prepare(argv: Sequence[str]) -> None:
    """Import what a stage's command needs; what is wrong with it, the command says itself."""
    with suppress(ImportError, IndexError):
        _import_stage(argv[2])


def _import_stage(name: str) -> ModuleType:
    """Import a stage's module, without looking for garbage.

    Its libraries are thousands of modules that stay until the process ends: to go through them while they
    are imported, again and again while the stage runs, and at the end takes a second or two.
    """
    gc.disable()
    module = importlib.import_module(f"charter.stages.{name.replace('-', '_')}")
    gc.freeze()
    gc.enable()
    return module


def _project() -> tuple[Path, Params]:
    """Find the project: the working directory, or the nearest one above it with a params.yaml."""
    here = Path.cwd()
    root = next((path for path in (here, *here.parents) if (path / PARAMS_FILE).exists()), here)
    return root, load_params(root / PARAMS_FILE)


def _check_corpus(params: Params, corpus: str) -> None:
    if corpus not in params.corpora:
        raise CharterError(f"no corpus {corpus!r} in {PARAMS_FILE}; there are {', '.join(params.corpora)}")


def _left(root: Path, params: Params, corpus: str) -> str:
    """Say what a synthesis that its budget ended has still to ask."""
    from charter.estimate import Estimator, left_to_ask

    return left_to_ask(Estimator(params, ProjectPaths(root)).estimate(corpus, None))


def _evaluations(corpora: list[str] | None) -> list[Evaluation]:
    root, params = _project()
    paths = ProjectPaths(root)
    for corpus in corpora or ():
        _check_corpus(params, corpus)
    chosen = corpora or [name for name in params.corpora if paths.corpus(name).metrics("evaluate").exists()]
    if not chosen:
        raise CharterError("nothing is evaluated yet; `dvc repro` does it")
    return [load_evaluation(paths.corpus(name).metrics("evaluate")) for name in chosen]


def _publish(root: Path, params: Params, corpora: list[str] | None) -> None:
    from charter.tracking.publishing import publish

    for publication in publish(root, params, corpora):
        state = "new" if publication.created else "there already"
        versions = ", ".join(f"{name} version {number}" for name, number in publication.versions.items())
        sys.stderr.write(f"MLflow {publication.experiment}: run {publication.run_id} ({state}); {versions}\n")
