"""Charts as inline SVG: they take their colours from the page, and need no script and no network."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from charter.evaluation.results import Estimate
from charter.report.formatting import bracketed, figure
from charter.report.rendering import render

_RIGHT = 368


@dataclass(frozen=True)
class Interval:
    """A row of an interval plot; ``reference`` is a published figure, drawn as a hollow diamond."""

    label: str
    estimate: Estimate
    reference: float | None
    emphasised: bool


@dataclass(frozen=True)
class Axis:
    """A linear axis that has its first tick at ``start`` and its last at ``end``."""

    ticks: Sequence[float]
    start: float
    end: float

    def place(self, value: float) -> str:
        """Return where a value lies, as SVG has it."""
        share = (value - self.ticks[0]) / (self.ticks[-1] - self.ticks[0])
        return f"{self.start + share * (self.end - self.start):.1f}"

    def name(self, tick: float) -> str:
        """Print a tick with the decimals that tell it from the next one."""
        decimals = max(0, -math.floor(math.log10(self.ticks[1] - self.ticks[0]) + 1e-9))
        return f"{tick:.{decimals}f}"


def interval_plot(title: str, metric: str, rows: Sequence[Interval]) -> Markup:
    """Draw a dot for each estimate of a metric and a line over its interval."""
    ends = [(row.estimate.value, row.estimate.low, row.estimate.high, row.reference) for row in rows]
    axis = Axis(axis_ticks([end for of_row in ends for end in of_row if end is not None]), 122, _RIGHT)
    return Markup(  # noqa: S704  the template escapes
        render(
            "interval_plot.html.jinja",
            title=title,
            metric=metric,
            rows=rows,
            axis=axis,
            figure=figure,
            bracketed=bracketed,
        )
    )


def line_chart(title: str, lines: Mapping[str, Sequence[tuple[float, float]]]) -> Markup:
    """Draw lines, each through its (x, y) points in the order of x, and named at the top in its colour."""
    points = [point for line in lines.values() for point in line]
    across = Axis(axis_ticks([x for x, _ in points]), 48, _RIGHT)
    up = Axis(axis_ticks([y for _, y in points]), 170, 26)
    return Markup(  # noqa: S704  the template escapes
        render("line_chart.html.jinja", title=title, lines=lines, across=across, up=up)
    )


def axis_ticks(values: Sequence[float]) -> list[float]:
    """Return 3 to 6 round numbers that enclose the values, at equal distances."""
    low, high = min(values), max(values)
    if low == high:
        low, high = low - 0.5, high + 0.5
    rough = (high - low) / 4
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = magnitude * next(factor for factor in (1, 2, 5, 10) if factor * magnitude >= rough)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [number * step for number in range(first, last + 1)]
