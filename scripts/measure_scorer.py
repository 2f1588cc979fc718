"""Measure the scorer of exam answers on answers that people judged.

Usage: python scripts/measure_scorer.py

First on answers of models to dev questions, which two readers judged without knowing whose they were
(data/labelled/model_answers.jsonl): how far the readers agree, and the scorer with them, by system. Then on
answers that were written to be hard (exam_answers.jsonl), by half and by the way in which they are right or
wrong: the scorer was made by half `tune`, and nothing was chosen by the others.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from charter.evaluation.agreement import kappa
from charter.evaluation.answer_language import load_answer_language
from charter.evaluation.exam import read_dev
from charter.evaluation.key_facts import Scorer
from charter.evaluation.results import Estimate
from charter.evaluation.statistics import Resampling
from charter.project.exam_records import LabelledExamAnswer, ReadExamAnswer
from charter.project.paths import ProjectPaths
from charter.project.storage import read_rows

ROOT = Path(__file__).parent.parent
RESAMPLING = Resampling(samples=2000, seed=1)
COLUMNS = ("answers", "right by the label", "kappa", "95 %", "wrongly right", "wrongly wrong")

Judged = LabelledExamAnswer | ReadExamAnswer


def mark(root: Path, rows: Sequence[Judged]) -> list[bool]:
    """Say of each answer whether the scorer finds it right."""
    paths, language = ProjectPaths(root), load_answer_language("en")
    scorers = {
        question.id: Scorer(question, language)
        for corpus in {row.corpus for row in rows}
        for question in read_dev(paths.corpus(corpus)).questions
    }
    return [scorers[row.item].mark(row.answer).right for row in rows]


def agreement(rows: Sequence[Judged], marks: Sequence[bool]) -> list[str]:
    """Return the cells of COLUMNS for some answers and their marks."""
    labels = [row.right for row in rows]
    cells = Counter(zip(labels, marks, strict=True))
    return [
        str(len(rows)),
        str(sum(labels)),
        *_cells(kappa(labels, marks, [row.item for row in rows], RESAMPLING)),
        f"{cells[False, True]} of {labels.count(False)}",
        f"{cells[True, False]} of {labels.count(True)}",
    ]


def main() -> None:
    """Print the tables."""
    models = read_rows(ROOT / "data/labelled/model_answers.jsonl", ReadExamAnswer)
    by_readers = Table("answers of models", *COLUMNS)
    for name in ("all", *sorted({row.corpus for row in models}), *sorted({row.system for row in models})):
        part = [row for row in models if name in ("all", row.corpus, row.system)]
        by_readers.add_row(name, *agreement(part, mark(ROOT, part)))
    first, second = zip(*(row.readers for row in models), strict=True)
    between = kappa(first, second, [row.item for row in models], RESAMPLING)

    hard = read_rows(ROOT / "data/labelled/exam_answers.jsonl", LabelledExamAnswer)
    halves = Table("answers written to be hard", *COLUMNS)
    ways: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for half in ("tune", "report"):
        written = [row for row in hard if row.half == half]
        marks = mark(ROOT, written)
        halves.add_row(half, *agreement(written, marks))
        for row, found in zip(written, marks, strict=True):
            ways[half, row.way].append(found == row.right)
    by_way = Table("half", "way", "marked as labelled")
    for (half, way), agreed in sorted(ways.items()):
        by_way.add_row(half, way, f"{sum(agreed)} of {len(agreed)}")
    Console().print(by_readers, f"The two readers: kappa {' '.join(_cells(between))}\n", halves, by_way)


def _cells(estimate: Estimate) -> tuple[str, str]:
    return f"{estimate.value:.2f}", f"[{estimate.low:.2f}, {estimate.high:.2f}]"


if __name__ == "__main__":
    main()
