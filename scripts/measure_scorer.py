"""Measure the scorer of exam answers on answers that people judged.

Usage: python scripts/measure_scorer.py

First on answers of models to dev questions, which readers judged without knowing whose they were
(data/labelled/model_answers.jsonl): how far the readers agree, and the scorer with them, by system. It is
held against what is right, and against what is right by its own rule, that a yes or no alone isn't enough.
Of questions of yes or no the yes or no that is read is held against what is right. Then on answers that were
written to be hard (exam_answers.jsonl), by half and by the way in which they are right or wrong: the scorer
was made by half `tune`, and nothing was chosen by the others.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from charter.evaluation.answer_language import load_answer_language
from charter.evaluation.exam import read_dev
from charter.evaluation.key_facts import Mark, Scorer
from charter.evaluation.results import Estimate
from charter.evaluation.statistics import Resampling, kappa
from charter.project.exam_records import ExamQuestion, LabelledAdvice, LabelledExamAnswer, ReadExamAnswer
from charter.project.paths import ProjectPaths
from charter.project.storage import read_rows

ROOT = Path(__file__).parent.parent
RESAMPLING = Resampling(samples=2000, seed=1)
MODELS = "data/labelled/model_answers.jsonl"
COLUMNS = ("answers", "right by the label", "kappa", "95 %", "wrongly right", "wrongly wrong")

Judged = LabelledExamAnswer | ReadExamAnswer


def mark(root: Path, rows: Sequence[Judged]) -> list[bool]:
    """Say of each answer whether the scorer finds it right."""
    return [found.right for _, found in _marked(root, rows)]


def right_verdicts(root: Path, rows: Sequence[Judged]) -> list[bool | None]:
    """Say of each answer whether its yes or no is right, by what is read; None where none is asked."""
    return [
        found.verdict == question.polarity if question.polarity else None
        for question, found in _marked(root, rows)
    ]


def _marked(root: Path, rows: Sequence[Judged]) -> list[tuple[ExamQuestion, Mark]]:
    paths, language = ProjectPaths(root), load_answer_language("en")
    questions = {
        question.id: question
        for corpus in {row.corpus for row in rows}
        for question in read_dev(paths.corpus(corpus)).questions
    }
    return [(questions[row.item], Scorer(questions[row.item], language).mark(row.answer)) for row in rows]


def agreement(
    rows: Sequence[Judged | LabelledAdvice], labels: Sequence[bool], marks: Sequence[bool]
) -> list[str]:
    """Return the cells of COLUMNS for some answers, from what people find right and what the marks do."""
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
    models = read_rows(ROOT / MODELS, ReadExamAnswer)
    of_models = [
        Table(title, *COLUMNS) for title in ("right or not", "right, and more than yes or no", "yes or no")
    ]
    for name in ("all", *sorted({row.corpus for row in models}), *sorted({row.system for row in models})):
        part = [row for row in models if name in ("all", row.corpus, row.system)]
        marks, read = mark(ROOT, part), zip(part, right_verdicts(ROOT, part), strict=True)
        said = [(row, verdict) for row, verdict in read if verdict is not None]
        asked, verdicts = [row for row, _ in said], [verdict for _, verdict in said]
        of_models[0].add_row(name, *agreement(part, [row.right for row in part], marks))
        of_models[1].add_row(name, *agreement(part, [row.full for row in part], marks))
        of_models[2].add_row(name, *agreement(asked, [row.right for row in asked], verdicts))

    hard = read_rows(ROOT / "data/labelled/exam_answers.jsonl", LabelledExamAnswer)
    halves = Table("answers written to be hard", *COLUMNS)
    ways: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for half in ("tune", "report"):
        written = [row for row in hard if row.half == half]
        marks = mark(ROOT, written)
        halves.add_row(half, *agreement(written, [row.right for row in written], marks))
        for row, found in zip(written, marks, strict=True):
            ways[half, row.way].append(found == row.right)
    by_way = Table("half", "way", "marked as labelled")
    for (half, way), agreed in sorted(ways.items()):
        by_way.add_row(half, way, f"{sum(agreed)} of {len(agreed)}")
    Console().print("Answers of models", *of_models, _readers(models), halves, by_way, sep="\n")


def _readers(rows: Sequence[ReadExamAnswer]) -> str:
    """Say how far the readers agree."""
    first, second = zip(*(row.readers for row in rows), strict=True)
    between = kappa(first, second, [row.item for row in rows], RESAMPLING)
    again = [row for row in rows if row.reasons]
    settled = sum(len({*(row.reasons or ())}) > 1 for row in again)
    return (
        f"The two readers of what is right: kappa {' '.join(_cells(between))}. Of the {len(again)} right "
        f"ones {sum(row.full for row in again)} are more than a yes or no; two others differ on {settled}.\n"
    )


def _cells(estimate: Estimate) -> tuple[str, str]:
    return f"{estimate.value:.2f}", f"[{estimate.low:.2f}, {estimate.high:.2f}]"


if __name__ == "__main__":
    main()
