"""Lines over one axis as SVG: a point and its interval for each place, a colour for each line."""

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import TypeAlias
from xml.sax.saxutils import escape

from bench.intervals import Interval
from bench.report import Row
from bench.svg import page, text
from core.files import atomic_write_text

Line: TypeAlias = Sequence[tuple[float, Interval]]
"""Points from left to right."""

_LEFT, _WIDE, _RIGHT, _TOP, _HIGH, _BOTTOM = 64, 460, 190, 40, 260, 46
_COLOURS = ("#1583a8", "#d18b1f", "#9c3a9c", "#7a9a3c", "#b5473c", "#777777", "#3c5cb5", "#2f8f6b")
_TICKS = 5


def draw(path: Path, title: str, axes: tuple[str, str], lines: Mapping[str, Line]) -> None:
    """Write the picture. Raises StorageError, ValueError without a point."""
    atomic_write_text(path, svg(title, axes, lines))


def svg(title: str, axes: tuple[str, str], lines: Mapping[str, Line]) -> str:
    """`axes` are the words below and beside. Points whose mean is not finite are left out."""
    shown = {name: [(x, one) for x, one in line if isfinite(one.mean)] for name, line in lines.items()}
    places = [x for line in shown.values() for x, _ in line]
    values = [v for line in shown.values() for _, one in line for v in one[:3] if isfinite(v)]
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
                for number, (name, line) in enumerate(shown.items())
                for part in _line(frame, number, name, line)
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
        yield f"<line x1='{_LEFT}' x2='{_LEFT + _WIDE}' y1='{y:.1f}' y2='{y:.1f}' stroke='#e4e4e4'/>"
        yield f"<text x='{_LEFT - 8}' y='{y + 4:.1f}' text-anchor='end' fill='#777'>{value:.3g}</text>"
        where = f"x='{frame.x(place):.1f}' y='{_TOP + _HIGH + 18}'"
        yield f"<text {where} text-anchor='middle' fill='#777'>{place:.3g}</text>"
    yield (
        f"<text x='{_LEFT + _WIDE / 2}' y='{_TOP + _HIGH + 38}' text-anchor='middle' fill='#333'>"
        f"{escape(axes[0])}</text>"
    )
    yield f"<text x='12' y='{_TOP - 6}' fill='#333'>{escape(axes[1])}</text>"


def _line(frame: _Frame, number: int, name: str, line: Line) -> Iterator[str]:
    colour = _COLOURS[number % len(_COLOURS)]
    points = " ".join(f"{frame.x(x):.1f},{frame.y(one.mean):.1f}" for x, one in line)
    yield f"<polyline fill='none' stroke='{colour}' stroke-width='1.5' points='{points}'/>"
    for x, one in line:
        if isfinite(one.low):
            ends = f"y1='{frame.y(one.low):.1f}' y2='{frame.y(one.high):.1f}'"
            yield f"<line x1='{frame.x(x):.1f}' x2='{frame.x(x):.1f}' {ends} stroke='{colour}'/>"
        yield f"<circle cx='{frame.x(x):.1f}' cy='{frame.y(one.mean):.1f}' r='3.5' fill='{colour}'/>"
    y = _TOP + 8 + 18 * number
    yield f"<circle cx='{_LEFT + _WIDE + 22}' cy='{y - 4}' r='4' fill='{colour}'/>"
    yield f"<text x='{_LEFT + _WIDE + 32}' y='{y}' fill='#333'>{escape(name)}</text>"
