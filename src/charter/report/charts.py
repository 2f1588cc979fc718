"""Charts as inline SVG: they take their colours from the page, and need no script and no network."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH = 380
_LEFT, _RIGHT = 122, 368
_ROW = 23
_BOX_STEP = 10


@dataclass(frozen=True)
class Interval:
    """A row of an interval plot; ``reference`` is a published figure, drawn as a hollow diamond."""

    label: str
    value: float
    low: float | None
    high: float | None
    reference: float | None
    emphasised: bool


@dataclass(frozen=True)
class Series:
    """A line of a line chart: (x, y) points in the order of x."""

    name: str
    points: Sequence[tuple[float, float]]


def interval_plot(title: str, rows: Sequence[Interval], figure: Callable[[float], str]) -> Markup:
    """Draw a dot for each value and a line over its interval; ``figure`` prints a value."""
    given = [(row.value, row.low, row.high, row.reference) for row in rows]
    ticks = axis_ticks([value for values in given for value in values if value is not None])
    position = _scale(ticks, _LEFT, _RIGHT)
    bottom = len(rows) * _ROW + 6
    parts = []
    for tick in ticks:
        x = position(tick)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="2" y2="{bottom}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{bottom + 14}">{_tick(tick, ticks)}</text>')
    for number, row in enumerate(rows):
        y = number * _ROW + _ROW / 2 + 2
        mark = "aligned" if row.emphasised else "other"
        described = f"{row.label}: {figure(row.value)}"
        whisker = ""
        if row.low is not None and row.high is not None:
            described += f" [{figure(row.low)}, {figure(row.high)}]"
            whisker = f'<path class="{mark}" d="M{position(row.low):.1f} {y}H{position(row.high):.1f}"/>'
        diamond = ""
        if row.reference is not None:
            described += f", published {figure(row.reference)}"
            x = position(row.reference)
            diamond = f'<path class="published" d="M{x:.1f} {y - 5}l5 5l-5 5l-5 -5z"/>'
        parts.append(
            f"<g><title>{escape(described)}</title>"
            f'<text class="row" x="{_LEFT - 8}" y="{y + 4}">{escape(row.label)}</text>'
            f'{whisker}<circle class="{mark}" cx="{position(row.value):.1f}" cy="{y}" r="4.5"/>{diamond}</g>'
        )
    return _svg(title, bottom + 20, parts)


def sentence_strip(title: str, covered: Sequence[bool]) -> Markup:
    """Draw a box for each sentence of a chunk, filled where it is covered."""
    boxes = "".join(
        f'<rect class="{"covered" if is_covered else "missed"}" x="{_BOX_STEP * place + 1}" y="1" width="7" '
        'height="11"/>'
        for place, is_covered in enumerate(covered)
    )
    width = _BOX_STEP * len(covered) + 1
    return Markup(  # noqa: S704  the title is escaped
        f'<svg class="strip" viewBox="0 0 {width} 13" width="{width}" height="13" role="img" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title>{boxes}</svg>'
    )


def line_chart(title: str, lines: Sequence[Series]) -> Markup:
    """Draw lines over a common axis, each named at the top in its colour."""
    left, top, bottom = 48, 26, 170
    points = [point for line in lines for point in line.points]
    across, up = axis_ticks([x for x, _ in points]), axis_ticks([y for _, y in points])
    horizontal, vertical = _scale(across, left, _RIGHT), _scale(up, bottom, top)
    parts = []
    for tick in up:
        y = vertical(tick)
        parts.append(f'<line class="grid" x1="{left}" x2="{_RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="row tick" x="{left - 6}" y="{y + 4:.1f}">{_tick(tick, up)}</text>')
    parts += [
        f'<text class="tick" x="{horizontal(tick):.1f}" y="{bottom + 16}">{_tick(tick, across)}</text>'
        for tick in across
    ]
    for number, line in enumerate(lines):
        drawn = " ".join(f"{horizontal(x):.1f},{vertical(y):.1f}" for x, y in line.points)
        parts.append(f'<polyline class="line{number}" points="{drawn}"/>')
        if len(line.points) < 8:
            parts += [
                f'<circle class="line{number}" cx="{horizontal(x):.1f}" cy="{vertical(y):.1f}" r="3"/>'
                for x, y in line.points
            ]
        parts.append(f'<text class="key{number}" x="{left + number * 130}" y="14">{escape(line.name)}</text>')
    return _svg(title, bottom + 22, parts)


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


def _scale(ticks: Sequence[float], start: float, end: float) -> Callable[[float], float]:
    return lambda value: start + (value - ticks[0]) / (ticks[-1] - ticks[0]) * (end - start)


def _tick(value: float, ticks: Sequence[float]) -> str:
    decimals = max(0, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9))
    return f"{value:.{decimals}f}"


def _svg(title: str, height: float, parts: Sequence[str]) -> Markup:
    label = escape(title)
    return Markup(  # noqa: S704  every text in parts was escaped above
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">{"".join(parts)}</svg>'
    )
