"""Measure the scorer of exam answers on answers that a person judged: data/labelled/exam_answers.jsonl.

Usage: python scripts/measure_scorer.py        agreement by half, and by the way in which answers are right

The scorer was made by half `tune`. What is reported of it is half `report`, by which nothing was chosen.
"""

from collections import defaultdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from charter.evaluation.agreement import kappa
from charter.evaluation.answer_language import load_answer_language
from charter.evaluation.exam import read_dev
from charter.evaluation.key_facts import Scorer
from charter.evaluation.statistics import Resampling
from charter.project.exam_records import LabelledExamAnswer
from charter.project.paths import ProjectPaths
from charter.project.storage import read_rows

ROOT = Path(__file__).parent.parent
RESAMPLING = Resampling(samples=2000, seed=1)

Marked = tuple[LabelledExamAnswer, bool]


def mark_labelled(root: Path) -> list[Marked]:
    """Return the labelled answers, each with whether the scorer finds it right."""
    paths, language = ProjectPaths(root), load_answer_language("en")
    rows = read_rows(root / "data/labelled/exam_answers.jsonl", LabelledExamAnswer)
    scorers = {
        question.id: Scorer(question, language)
        for corpus in {row.corpus for row in rows}
        for question in read_dev(paths.corpus(corpus)).questions
    }
    return [(row, scorers[row.item].mark(row.answer).right) for row in rows]


def main() -> None:
    """Print the tables."""
    marked = mark_labelled(ROOT)
    halves = Table("half", "answers", "right by the label", "kappa", "95 %", "wrongly right", "wrongly wrong")
    for half in ("tune", "report"):
        part = [item for item in marked if item[0].half == half]
        labels, marks = [row.right for row, _ in part], [mark for _, mark in part]
        found = kappa(labels, marks, [row.item for row, _ in part], RESAMPLING)
        halves.add_row(
            half,
            str(len(part)),
            str(sum(labels)),
            f"{found.value:.2f}",
            f"[{found.low:.2f}, {found.high:.2f}]",
            str(sum(mark and not row.right for row, mark in part)),
            str(sum(row.right and not mark for row, mark in part)),
        )
    ways: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for row, mark in marked:
        ways[row.half, row.way].append(mark == row.right)
    table = Table("half", "way", "marked as labelled")
    for (half, way), agreed in sorted(ways.items()):
        table.add_row(half, way, f"{sum(agreed)} of {len(agreed)}")
    Console().print(halves, table)


if __name__ == "__main__":
    main()
