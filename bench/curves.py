"""Lines over one axis as SVG: a point and its interval for each place, a colour for each line."""

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import TypeAlias

from bench.intervals import Interval
from bench.report import Row
from core.files import atomic_write_text
from core.svg import GREY, dot, line, page, polyline, text

Line: TypeAlias = Sequence[tuple[float, Interval]]
"""Points from left to right."""

_LEFT, _WIDE, _RIGHT, _TOP, _HIGH, _BOTTOM = 64, 460, 190, 56, 260, 46
_COLOURS = ("#1583a8", "#d18b1f", "#9c3a9c", "#7a9a3c", "#b5473c", "#777777", "#3c5cb5", "#2f8f6b")
_TICKS = 5


def draw(path: Path, title: str, axes: tuple[str, str], lines: Mapping[str, Line]) -> None:
    """Write the picture. Raises StorageError, ValueError without a point."""
    atomic_write_text(path, svg(title, axes, lines))


def svg(title: str, axes: tuple[str, str], lines: Mapping[str, Line]) -> str:
    """`axes` are the words below and beside. Points whose mean is not finite are left out."""
    shown = {name: [(x, one) for x, one in points if isfinite(one.mean)] for name, points in lines.items()}
    places = [x for points in shown.values() for x, _ in points]
    values = [v for points in shown.values() for _, one in points for v in one[:3] if isfinite(v)]
    if not places:
        raise ValueError("there is no point to draw")
    frame = _Frame(min(places), max(places), min(values), max(values))
    width, height = _LEFT + _WIDE + _RIGHT, _TOP + _HIGH + _BOTTOM
    return page(
        width,
        height,
        title,
        (
            text(12, 20, title),
            *_axes(frame, axes),
            *(
                part
                for number, (name, points) in enumerate(shown.items())
                for part in _line(frame, number, name, points)
            ),
        ),
    )


def interval_of(row: Row) -> Interval:
    """What a row tells of a mean."""
    mean, low, high = (float(row[key] or 0) for key in ("mean", "low", "high"))
    return Interval(mean, low, high, int(row["n"] or 0))


class _Frame:
    """From values to places on the page; a margin keeps the points off the edges."""

    def __init__(self, left: float, right: float, low: float, high: float) -> None:
        spread = (high - low) or abs(high) or 1.0
        self.left, self.right = left, right if right > left else left + 1
        self.low, self.high = low - 0.05 * spread, high + 0.05 * spread

    def x(self, value: float) -> float:
        return _LEFT + (value - self.left) / (self.right - self.left) * _WIDE

    def y(self, value: float) -> float:
        return _TOP + _HIGH * (1 - (value - self.low) / (self.high - self.low))


def _axes(frame: _Frame, axes: tuple[str, str]) -> Iterator[str]:
    for number in range(_TICKS):
        part = number / (_TICKS - 1)
        value, place = (
            frame.low + part * (frame.high - frame.low),
            frame.left + part * (frame.right - frame.left),
        )
        y = frame.y(value)
        yield line((_LEFT, y), (_LEFT + _WIDE, y))
        yield text(_LEFT - 8, y + 4, f"{value:.3g}", GREY, anchor="end")
        yield text(frame.x(place), _TOP + _HIGH + 18, f"{place:.3g}", GREY, anchor="middle")
    yield text(_LEFT + _WIDE / 2, _TOP + _HIGH + 38, axes[0], anchor="middle")
    yield text(12, _TOP - 15, axes[1])


def _line(frame: _Frame, number: int, name: str, points: Line) -> Iterator[str]:
    colour = _COLOURS[number % len(_COLOURS)]
    yield polyline(((frame.x(x), frame.y(one.mean)) for x, one in points), colour)
    for x, one in points:
        if isfinite(one.low):
            yield line((frame.x(x), frame.y(one.low)), (frame.x(x), frame.y(one.high)), colour)
        yield dot(frame.x(x), frame.y(one.mean), 3.5, colour)
    y = _TOP + 8 + 18 * number
    yield dot(_LEFT + _WIDE + 22, y - 4, 4, colour)
    yield text(_LEFT + _WIDE + 32, y, name)
