"""The table of ways to search, for the terminal."""

from collections.abc import Sequence

from rich.table import Table

from charter.evaluation.retrieval_exam import PASSAGES, RetrievalFigures
from charter.project.sections import Retrieval
from charter.report.formatting import share
from charter.report.table import plain_table

RETRIEVAL_COLUMNS = ("unit", "method", "passages", "chunk among them", "nearest sentence right", "MRR")


def retrieval_table(corpus: str, measured: Sequence[RetrievalFigures], current: Retrieval) -> Table:
    """Return a row a unit, method and number of passages; that of params.yaml is marked."""
    asked = measured[0].mrr.n
    table = plain_table(
        f"{corpus}: retrieval, {asked} dev questions, shares with 95 % intervals", *RETRIEVAL_COLUMNS
    )
    for figures in measured:
        for count in PASSAGES:
            is_current = (figures.unit, figures.method, count) == (
                current.unit,
                current.method,
                current.passages,
            )
            table.add_row(
                figures.unit,
                figures.method,
                f"{count}{' *' if is_current else ''}",
                share(figures.hits[count]),
                share(figures.right[count]),
                share(figures.mrr) if count == PASSAGES[0] else "",
                style="bold" if is_current else None,
            )
    table.caption = "* is retrieval of params.yaml. Where intervals overlap, prefer what is there."
    table.caption_justify = "left"
    return table
