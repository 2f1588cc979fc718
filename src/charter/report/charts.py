"""Charts as inline SVG: they take their colours from the page, and need no script and no network."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from charter.evaluation.results import Estimate
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
    return _draw("interval_plot", title=title, metric=metric, rows=rows, axis=axis)


@dataclass(frozen=True)
class Share:
    """A row of a plot of shares, which are of ``estimate.n`` items."""

    label: str
    estimate: Estimate
    emphasised: bool

    @property
    def count(self) -> str:
        """Of how many items it is so: "64 of 175, 37 %"."""
        share = self.estimate
        return f"{share.value * share.n:.0f} of {share.n}, {100 * share.value:.0f} %"

    @property
    def interval(self) -> str:
        """The ends of the 95 % interval, empty where there is none: "30 to 44 %"."""
        if self.estimate.low is None or self.estimate.high is None:
            return ""
        return f"{100 * self.estimate.low:.0f} to {100 * self.estimate.high:.0f} %"


def share_plot(title: str, rows: Sequence[Share], mark: float, mark_name: str) -> Markup:
    """List shares, each over its interval on an axis of 0 to 1, with a line at ``mark`` through all.

    Labels, counts and intervals are text: a phone breaks them, and a screen reader reads them.
    """
    axis = Axis((0, 0.25, 0.5, 0.75, 1), 6, 394)
    return _draw("share_plot", title=title, rows=rows, axis=axis, mark=mark, mark_name=mark_name)


def line_chart(title: str, lines: Mapping[str, Sequence[tuple[float, float]]]) -> Markup:
    """Draw lines, each through its (x, y) points in the order of x, and named at the top in its colour."""
    points = [point for line in lines.values() for point in line]
    across = Axis(axis_ticks([x for x, _ in points]), 48, _RIGHT)
    up = Axis(axis_ticks([y for _, y in points]), 170, 26)
    return _draw("line_chart", title=title, lines=lines, across=across, up=up)


def _draw(template: str, **variables: Any) -> Markup:
    return Markup(render(f"{template}.html.jinja", **variables))  # noqa: S704  the template escapes


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
