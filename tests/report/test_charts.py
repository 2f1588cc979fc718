import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from charter.evaluation.results import Estimate
from charter.report.charts import Interval, Share, axis_ticks, interval_plot, line_chart, share_plot

ROWS = [
    Interval("seed <1>", Estimate(value=10.0, low=5.0, high=15.0, n=9), reference=None, emphasised=False),
    Interval("SFT", Estimate(value=35.0, low=30.0, high=41.0, n=9), reference=36.7, emphasised=True),
    Interval("one chunk", Estimate(value=20.0, low=None, high=None, n=9), reference=None, emphasised=False),
]


@pytest.mark.parametrize(
    "values", [[0.31, 0.62], [5.0, 41.0], [0.0, 0.0], [-1200.0, 3.0], [1e-5, 3e-5], [7.0], [0.1, 0.7]]
)
def test_ticks_are_few_even_and_around_the_values(values: list[float]) -> None:
    ticks = axis_ticks(values)
    steps = {round(b - a, 12) for a, b in pairwise(ticks)}
    assert 3 <= len(ticks) <= 7
    assert len(steps) == 1
    assert ticks[0] <= min(values) + 1e-12
    assert ticks[-1] >= max(values) - 1e-12


def test_an_interval_plot_places_dots_by_value_and_escapes_labels() -> None:
    svg = ElementTree.fromstring(interval_plot("BLEU & more", "bleu", ROWS))
    dots = [float(dot.get("cx")) for dot in svg.iter("circle")]
    assert dots[0] < dots[2] < dots[1] < float(svg.get("viewBox").split()[2])
    # linear: 20 lies where 10 and 35 say
    assert dots[2] == pytest.approx(dots[0] + (dots[1] - dots[0]) * 10 / 25, abs=0.11)
    titles = [title.text for title in svg.iter("title")]
    assert titles == [
        "seed <1>: 10.0 [5.0, 15.0]",
        "SFT: 35.0 [30.0, 41.0], published 36.7",
        "one chunk: 20.0",
    ]
    assert len([path for path in svg.iter("path") if path.get("class") == "published"]) == 1
    assert svg.get("aria-label") == "BLEU & more"


def test_a_share_plot_says_its_figures_in_text_and_places_dots_by_value() -> None:
    rows = [
        Share("the model <1>", Estimate(value=0.25, low=0.125, high=0.5, n=40), emphasised=True),
        Share("another", Estimate(value=0.75, low=None, high=None, n=40), emphasised=False),
    ]
    plot = share_plot("Right answers", rows, 0.5, "tossing a coin")
    page = ElementTree.fromstring(f"<div>{plot}</div>")
    said = [" ".join("".join(row.itertext()).split()) for row in page.iter("li")]
    assert said == ["the model <1>: 10 of 40, 25 % (12 to 50 %)", "another: 30 of 40, 75 %"]
    assert page.find("ul").get("aria-label") == "Right answers"
    assert all(svg.get("aria-hidden") == "true" for svg in page.iter("svg"))
    dots = [float(dot.get("cx")) for dot in page.iter("circle")]
    (mark,) = {float(line.get("x1")) for line in page.iter("line") if line.get("class") == "beside"}
    assert mark == pytest.approx(sum(dots) / 2)
    assert len(list(page.iter("path"))) == 1
    assert "tossing a coin (50 %)" in plot


def test_a_line_chart_draws_every_point_inside_the_picture() -> None:
    lines = {"training": [(1, 2.0), (5, 1.0), (9, 0.5)], "validation": [(5, 1.2)]}
    svg = ElementTree.fromstring(line_chart("loss", lines))
    drawn = [line.get("points") for line in svg.iter("polyline")]
    points = [tuple(map(float, point.split(","))) for line in drawn for point in line.split()]
    width, height = map(float, svg.get("viewBox").split()[2:])
    assert len(points) == 4
    assert all(0 <= x <= width and 0 <= y <= height for x, y in points)
    falling = [y for _, y in points[:3]]
    assert falling == sorted(falling)  # down the page
    assert re.findall("training|validation", "".join(svg.itertext())) == ["training", "validation"]
