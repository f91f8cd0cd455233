"""What all charts share: how a page looks and is written, and dots with their intervals.

A picture is SVG or PNG, as its name ends, and the same bytes for the same numbers.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from bench.measure.intervals import Interval
from bench.measure.report import interval_of as interval_of
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
_UNTOLD = {".svg": {"Date": None, "Creator": None}, ".png": {"Software": None}}
"""What would differ from day to day and from version to version."""


def check_picture(path: Path | None) -> Path | None:
    """Called before anything is measured. Raises InputError for no chart's name, MissingDependencyError."""
    if path is not None:
        if path.suffix.lower() not in _UNTOLD:
            raise InputError(f"{path} is no name for a chart. Give one that ends in .svg or .png.")
        require("matplotlib", "charts")
    return path


PictureOption = Annotated[
    Path | None,
    typer.Option("--picture", callback=check_picture, help="Also draw it, as FILE.svg or FILE.png."),
]


@contextmanager
def chart(path: Path, title: str, wide: float, high: float) -> Iterator[Any]:
    """A figure of so many inches to draw in, written afterwards. Raises as `check_picture`, StorageError."""
    check_picture(path)
    with require("matplotlib", "charts").rc_context(_STYLE):
        figure = require("matplotlib.figure", "charts").Figure((wide, high), layout="constrained")
        figure.suptitle(title, x=0.01, ha="left", fontsize=11)
        yield figure
        data, ending = BytesIO(), path.suffix.lower()
        figure.savefig(data, format=ending[1:], metadata={"Title": title, **_UNTOLD[ending]})
    atomic_write_bytes(path, data.getvalue())


def dots(axes: Any, found: Mapping[str, Interval], colours: Mapping[str, str]) -> None:
    """A line for each name, the first one above: a dot and its interval, blue but for `colours`."""
    for place, (name, one) in enumerate(found.items()):
        colour = colours.get(name, BLUE)
        axes.plot((one.low, one.high), (place, place), color=colour, linewidth=2)
        axes.plot(one.mean, place, "o", color=colour)
    axes.set_yticks(range(len(found)), list(found))
    axes.set_ylim(max(1, len(found)) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


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
