"""The methods side by side as a PNG: a group a tag, in it a dot with its interval for each method."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from math import isfinite
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from agent.recording.summary import ALL
from bench.learning.methods import ORDER
from bench.report import Row
from core.errors import InputError
from core.files import atomic_write_bytes

_SCALE = 2  # pixels a unit, so that it is sharp on today's screens
_ROW, _GAP, _LEFT, _RIGHT, _TOP, _BOTTOM = 18, 26, 170, 70, 46, 28
_WIDE = 460
_PAPER, _INK, _GREY, _LINE = "#ffffff", "#222222", "#777777", "#e4e4e4"
_COLOURS = {"untouched": "#777777", "memory": "#9c3a9c", "roomwise": "#1583a8", "expert": "#d18b1f"}
_OTHER = "#7a9a3c"


def draw(rows: Sequence[Row], path: Path) -> None:
    """Write the picture of the rows' exact match. Raises InputError without such rows, StorageError."""
    groups = _groups(rows)
    if not groups:
        raise InputError(
            "There is nothing to draw: no room was measured after a warm-up. Leave out --picture."
        )
    high = _TOP + sum(_ROW * len(group) + _GAP for group in groups.values()) + _BOTTOM
    page = Image.new("RGB", ((_LEFT + _WIDE + _RIGHT) * _SCALE, high * _SCALE), _PAPER)
    canvas = _Canvas(ImageDraw.Draw(page))
    canvas.text(_LEFT, 14, "share right after the warm-up, 95 % intervals over rooms", _GREY)
    _axis(canvas, high)
    top = _TOP
    for tag, group in groups.items():
        canvas.text(12, top + 2, tag if tag != ALL else "all questions", _INK)
        top += _GAP - 6
        for row in group:
            _bar(canvas, row, top)
            top += _ROW
        top += 6
    buffer = BytesIO()
    page.save(buffer, "PNG")
    atomic_write_bytes(path, buffer.getvalue())


def _groups(rows: Sequence[Row]) -> Mapping[str, list[Row]]:
    """By tag the rows that are drawn, methods in their order."""
    drawn = [row for row in rows if row["metric"] == "exact" and row.get("phase") != "stream"]
    tags = dict.fromkeys(str(row["tag"]) for row in drawn)
    return {
        tag: sorted((r for r in drawn if r["tag"] == tag), key=lambda r: ORDER.index(str(r["method"])))
        for tag in tags
    }


class _Canvas:
    """Draws in units, of which each is some pixels."""

    def __init__(self, draw: ImageDraw.ImageDraw) -> None:
        self._draw, self._font = draw, ImageFont.load_default(11 * _SCALE)

    def text(self, x: float, y: float, words: str, colour: str, anchor: str = "lm") -> None:
        """Words beginning (l), centred (m) or ending (r) at a point."""
        self._draw.text((x * _SCALE, y * _SCALE), words, colour, self._font, anchor)

    def line(self, x: float, y: float, right: float, bottom: float, colour: str, width: float = 1) -> None:
        """A straight line."""
        ends = [value * _SCALE for value in (x, y, right, bottom)]
        self._draw.line(ends, colour, round(width * _SCALE))

    def dot(self, x: float, y: float, colour: str, radius: float = 4) -> None:
        """A filled circle."""
        box = [value * _SCALE for value in (x - radius, y - radius, x + radius, y + radius)]
        self._draw.ellipse(box, colour)


def _axis(canvas: _Canvas, high: int) -> None:
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = _LEFT + share * _WIDE
        canvas.line(x, _TOP - 8, x, high - _BOTTOM, _LINE)
        canvas.text(x, high - _BOTTOM + 12, f"{share:.0%}", _GREY, "mm")


def _bar(canvas: _Canvas, row: Row, top: float) -> None:
    name, y = str(row["method"]), top + _ROW / 2
    colour = _COLOURS.get(name, _OTHER)
    canvas.text(_LEFT - 12, y, name, _INK, "rm")
    places = [_LEFT + share * _WIDE for share in _bounds(row)]
    if places:
        canvas.line(places[0], y, places[1], y, colour, 2)
    mean = _number(row["mean"])
    canvas.dot(_LEFT + mean * _WIDE, y, colour)
    canvas.text(max([*places, _LEFT + mean * _WIDE]) + 10, y, f"{mean:.1%}", _GREY)


def _bounds(row: Row) -> list[float]:
    """Low and high; nothing where one room alone was measured."""
    found = [_number(row[end]) for end in ("low", "high")]
    return found if all(isfinite(one) for one in found) else []


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")
