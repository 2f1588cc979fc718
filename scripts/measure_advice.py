"""Measure how well judges read advice, on replies that a person read.

Usage: python scripts/measure_advice.py [--every N]

The replies are models' own to dev dilemmas (data/labelled/own_advice.jsonl). Each judge of params.yaml is
asked of each whether it is the faithful advice, as evaluate asks of those to the sealed part. With --every 2
every second one is asked. What a judge said before, here or in data/replies, isn't asked again.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from measure_scorer import COLUMNS, agreement
from rich.console import Console
from rich.table import Table

from charter.evaluation.exam import read_dev
from charter.evaluation.own_advice import is_faithful, read_advice
from charter.generation.judge_models import judge_models
from charter.generation.replies import take_replies
from charter.project.exam_records import Dilemma, LabelledAdvice, OwnAdvice
from charter.project.params import PARAMS_FILE, load_params
from charter.project.paths import ProjectPaths
from charter.project.storage import read_rows

ROOT = Path(__file__).parent.parent
LABELLED = "data/labelled/own_advice.jsonl"


def unread_advice(paths: ProjectPaths, labelled: Sequence[LabelledAdvice]) -> list[OwnAdvice]:
    """Return the replies beside their dilemmas, as evaluate has them before a judge reads them."""
    dilemmas: dict[str, Dilemma] = {
        row.id: row
        for corpus in {row.corpus for row in labelled}
        for row in read_dev(paths.corpus(corpus)).dilemmas
    }
    return [
        OwnAdvice.model_validate(
            dilemmas[row.item].model_dump()
            | {
                "id": row.id,
                "item_id": row.item,
                "chunk_id": "",
                "system": row.system.partition("+")[0],
                "rag": "+" in row.system,
                "reply": row.reply,
            }
        )
        for row in labelled
    ]


def cells(labelled: Sequence[LabelledAdvice], read: Sequence[OwnAdvice]) -> list[str]:
    """Return how many replies a judge couldn't read, and of the others the cells of COLUMNS."""
    verdicts = [
        (row, verdict)
        for row, advice in zip(labelled, read, strict=True)
        if (verdict := is_faithful(advice)) is not None
    ]
    rows, found = [row for row, _ in verdicts], [verdict for _, verdict in verdicts]
    agreed = agreement(rows, [row.advice == "faithful" for row in rows], found)
    return [str(len(labelled) - len(rows)), *agreed]


def main() -> None:
    """Ask the judges and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="ask of every Nth reply")
    every = parser.parse_args().every
    paths = ProjectPaths(ROOT)
    take_replies(paths.journal, paths.replies)
    labelled = read_rows(ROOT / LABELLED, LabelledAdvice)[::every]
    table = Table("judge", "unread", *COLUMNS)
    for name, model in judge_models(load_params(ROOT / PARAMS_FILE), paths).items():
        with model.open(paths.journal) as judge:
            read = read_advice(unread_advice(paths, labelled), judge, f"advice read by {name}")
        table.add_row(name, *cells(labelled, read))
    Console().print(table)


if __name__ == "__main__":
    main()
