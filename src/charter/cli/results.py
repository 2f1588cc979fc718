"""Reading what evaluate measured: the table, and single answers."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from charter.cli.context import CorpusArgument, EvaluatedArgument, JsonOption, open_corpus, open_evaluated
from charter.evaluation.results import load_evaluation
from charter.project.errors import CharterError
from charter.project.params import PARAMS_FILE
from charter.project.records import Chunk, Judgement, Prediction
from charter.project.storage import read_rows, write_text


def results(
    corpora: EvaluatedArgument = None,
    as_json: JsonOption = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
) -> None:
    """Print the table of results beside the published one, with 95 % intervals.

    With --json: a list of {corpus, system, rag, metric, value, low, high, n}; rag is true, false or "gold".
    """
    from charter.report.table import result_rows, results_markdown, results_table

    _, paths, chosen = open_evaluated(corpora)
    evaluations = [load_evaluation(paths.corpus(name).metrics("evaluate")) for name in chosen]
    if as_json:
        rows = [row for evaluation in evaluations for row in result_rows(evaluation)]
        typer.echo(json.dumps(rows, indent=1))
    elif as_markdown:
        typer.echo(results_markdown(evaluations))
    else:
        Console().print(results_table(evaluations))


def arms(corpus: CorpusArgument, as_json: JsonOption = False) -> None:
    """Print what came of the arms: further trainings that differ from the main one in one thing.

    They are named in arms of params.yaml, and `dvc repro` trains them. Those that it hasn't compared with
    these results yet are named. Differences have 95 % intervals. With --json: a list of {arm, trained,
    systems, comparisons, evaluation}, as in data/metrics.
    """
    from charter.report.arms import arm_sentences, arm_tables, measured_arms

    params, paths = open_corpus(corpus)
    evaluation = load_evaluation(paths.metrics("evaluate"))
    found = measured_arms(params, paths, evaluation)
    named = [name for name, arm in params.arms.items() if arm.corpus == corpus]
    if unmeasured := sorted({*named} - {arm.arm for arm in found}):
        typer.echo(
            f"not compared with these results yet: {', '.join(unmeasured)}; `dvc repro` does it", err=True
        )
    if as_json:
        typer.echo(json.dumps([arm.model_dump() for arm in found], indent=1))
        return
    if not named:
        raise CharterError(f"{corpus} has no arms; name some in arms of {PARAMS_FILE}, and run `dvc repro`")
    console = Console(highlight=False)
    for table in arm_tables(evaluation, found):
        console.print(table, "")
    for sentence in arm_sentences(evaluation, found):
        console.print(sentence, style="dim")


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
    from charter.evaluation.scored_answers import answers_csv, describe_answer, most_changed, score_answers
    from charter.evaluation.scored_answers import worst as worst_answers

    _, paths = open_corpus(corpus)
    predictions = read_rows(paths.predictions, Prediction)
    scored = score_answers(
        predictions, read_rows(paths.judgements, Judgement), read_rows(paths.chunks, Chunk)
    )
    if csv:
        write_text(csv, answers_csv(scored))
        typer.echo(f"{len(scored)} answers in {csv}")
        return
    labels = list(dict.fromkeys(row.label for row in scored))
    for label in (system, against):
        if label is not None and label not in labels:
            raise CharterError(f"no answers of {label!r} to {corpus}; there are those of {', '.join(labels)}")
    if against is None:
        texts = [describe_answer(row) for row in worst_answers(scored, system, worst)]
    else:
        texts = [describe_answer(*pair) for pair in most_changed(scored, system, against, worst)]
    typer.echo("\n\n".join(texts or ["no difference"]))
