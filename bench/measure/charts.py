"""What all charts share: how a page looks and is written, and dots with their intervals.

A picture is SVG or PNG, as its name ends, and the same bytes for the same numbers.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from io import BytesIO
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from bench.measure.intervals import Interval
from core.errors import InputError
from core.extras import require
from core.files import atomic_write_bytes

INK, GREY, RULE, BLUE, ORANGE = "#222222", "#777777", "#e4e4e4", "#1583a8", "#d18b1f"
COLOURS = (BLUE, ORANGE, "#9c3a9c", "#7a9a3c", "#b5473c", GREY, "#3c5cb5", "#2f8f6b")
_STYLE = {
    "svg.hashsalt": "roomwise", "svg.fonttype": "none", "text.parse_math": False, "savefig.dpi": 150,
    "font.size": 9, "axes.titlesize": 10, "axes.titlelocation": "left", "axes.spines.top": False,
    "axes.spines.right": False, "axes.edgecolor": GREY, "axes.labelcolor": INK, "text.color": INK,
    "xtick.color": GREY, "ytick.color": GREY, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
    "axes.grid": True, "axes.axisbelow": True, "grid.color": RULE, "legend.frameon": False,
}  # fmt: skip
_NO_METADATA = {".svg": {"Date": None, "Creator": None}, ".png": {"Software": None}}
"""What would differ from day to day and from version to version."""


def check_picture(path: Path | None) -> Path | None:
    """Called before anything is measured. Raises InputError for no chart's name, MissingDependencyError."""
    if path is not None:
        if path.suffix.lower() not in _NO_METADATA:
            raise InputError(f"{path} is no name for a chart. Give one that ends in .svg or .png.")
        require("matplotlib", "charts")
    return path


PictureOption = Annotated[
    Path | None,
    typer.Option("--picture", callback=check_picture, help="Also draw it, as FILE.svg or FILE.png."),
]


@contextmanager
def chart(path: Path, title: str, width: float, height: float) -> Iterator[Any]:
    """A figure of so many inches to draw in, written afterwards. Raises as `check_picture`, StorageError."""
    check_picture(path)
    with require("matplotlib", "charts").rc_context(_STYLE):
        figure = require("matplotlib.figure", "charts").Figure((width, height), layout="constrained")
        figure.suptitle(title, x=0.01, ha="left", fontsize=11)
        yield figure
        data, ending = BytesIO(), path.suffix.lower()
        figure.savefig(data, format=ending[1:], metadata={"Title": title, **_NO_METADATA[ending]})
    atomic_write_bytes(path, data.getvalue())


def dots(axes: Any, intervals: Mapping[str, Interval], colours: Mapping[str, str]) -> None:
    """A line for each name, the first one above: a dot and its interval, blue but for `colours`."""
    for place, (name, interval) in enumerate(intervals.items()):
        colour = colours.get(name, BLUE)
        axes.plot((interval.low, interval.high), (place, place), color=colour, linewidth=2)
        axes.plot(interval.mean, place, "o", color=colour)
    axes.set_yticks(range(len(intervals)), list(intervals))
    axes.set_ylim(max(1, len(intervals)) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def as_printed(published: Mapping[str, float], name: str) -> str:
    """A number as its source prints it, all with the decimals that one of them needs; "" for none."""
    if name not in published:
        return ""
    decimals = max(-int(Decimal(str(value)).as_tuple().exponent) for value in published.values())
    return f"{published[name]:.{decimals}f}"


def draw_dots(
    path: Path, title: str, intervals: Mapping[str, Interval], reference: str, published: Mapping[str, float]
) -> None:
    """Every method, a line where the reference is, published numbers as they stand. Raises StorageError."""
    with chart(path, title, 8, 1.2 + 0.24 * len(intervals)) as figure:
        axes = figure.subplots()
        dots(axes, intervals, {reference: ORANGE})
        axes.set_xlabel(f"mean, 95 % interval; dashed: {reference}")
        if reference in intervals:
            axes.axvline(intervals[reference].mean, color=ORANGE, linestyle="--", linewidth=1)
        if published:
            beside = axes.secondary_yaxis("right")
            beside.set_yticks(range(len(intervals)), [as_printed(published, name) for name in intervals])
            beside.set_ylabel("published", color=GREY)
            beside.tick_params(length=0, labelcolor=GREY)


Line: TypeAlias = Sequence[tuple[float, Interval]]
"""Points from left to right."""


def draw(path: Path, title: str, words: tuple[str, str], lines: Mapping[str, Line]) -> None:
    """Write the picture; `words` stand below and beside. Points whose mean is not finite are left out.

    Raises StorageError, ValueError without a point.
    """
    finite = {
        name: [(x, interval) for x, interval in points if isfinite(interval.mean)]
        for name, points in lines.items()
    }
    if not any(finite.values()):
        raise ValueError("there is no point to draw")
    with chart(path, title, 7, 4) as figure:
        axes = figure.subplots()
        axes.set(xlabel=words[0], ylabel=words[1])
        for number, (name, points) in enumerate(finite.items()):
            colour, places = COLOURS[number % len(COLOURS)], [x for x, _ in points]
            means, lows, highs = zip(*(interval[:3] for _, interval in points), strict=True)
            axes.vlines(places, lows, highs, colour)
            axes.plot(places, means, "o-", color=colour, label=name)
        figure.legend(loc="outside right upper")
