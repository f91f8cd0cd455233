"""Lines over one axis: a point and its interval for each place, a colour for each line."""

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import TypeAlias

from bench.measure.charts import COLOURS, chart
from bench.measure.intervals import Interval
from bench.measure.report import interval_of as interval_of

Line: TypeAlias = Sequence[tuple[float, Interval]]
"""Points from left to right."""


def draw(path: Path, title: str, words: tuple[str, str], lines: Mapping[str, Line]) -> None:
    """Write the picture; `words` stand below and beside. Points whose mean is not finite are left out.

    Raises StorageError, ValueError without a point.
    """
    shown = {name: [(x, one) for x, one in points if isfinite(one.mean)] for name, points in lines.items()}
    if not any(shown.values()):
        raise ValueError("there is no point to draw")
    with chart(path, title, 7, 4) as figure:
        axes = figure.subplots()
        axes.set(xlabel=words[0], ylabel=words[1])
        for number, (name, points) in enumerate(shown.items()):
            colour, places = COLOURS[number % len(COLOURS)], [x for x, _ in points]
            axes.vlines(places, [one.low for _, one in points], [one.high for _, one in points], colour)
            axes.plot(places, [one.mean for _, one in points], "o-", color=colour, label=name)
        figure.legend(loc="outside right upper")
