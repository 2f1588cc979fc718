"""Training curves, as the trainings write them."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

Curve = Mapping[str, Sequence[float | None]]
"""The columns of a training curve: name to a value a logged step, None where that row has none."""


def read_curve(path: Path) -> Curve:
    """Read a curve; a cell may be empty."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = rows[0].keys() if rows else ()
    return {name: [float(row[name]) if row[name] else None for row in rows] for name in columns}
