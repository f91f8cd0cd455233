"""A picture of two plots: how far probabilities can be believed, and what agreement costs in answers."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bench.takeover.reliability import expected_calibration_error, reliability
from bench.takeover.rows import CALIBRATED, RAW, REQUESTED, Measured
from core.files import atomic_write_bytes

_SIDE, _LEFT, _TOP, _BETWEEN, _BOTTOM = 400, 64, 48, 96, 64
_COLOURS = {CALIBRATED: "#1583a8", RAW: "#d18b1f"}
_GREY, _LIGHT, _INK = "#777777", "#e4e4e4", "#222222"
_FULL = 0.93  # words at points further right stand above them
_SCALE = 2  # drawn larger, then made smaller: Pillow's lines have no smooth edges

Points = Sequence[tuple[float, float]]


def draw(measured: Measured, path: Path) -> None:
    """Write the PNG. Raises StorageError."""
    data = BytesIO()
    drawn(measured).save(data, "PNG", optimize=True)
    atomic_write_bytes(path, data.getvalue())


def drawn(measured: Measured) -> Image.Image:
    """Both plots beside each other: raw confidence and calibrated probability, in the same colours."""
    size = (_LEFT + 2 * _SIDE + _BETWEEN + 24, _TOP + _SIDE + _BOTTOM)
    image = Image.new("RGB", (size[0] * _SCALE, size[1] * _SCALE), "white")
    pen = ImageDraw.Draw(image)
    _reliability(_Axes(pen, _LEFT), measured)
    _coverage(_Axes(pen, _LEFT + _SIDE + _BETWEEN), measured)
    return image.resize(size, Image.Resampling.LANCZOS)


def coverage_curve(probabilities: Sequence[float], agreed: Sequence[bool]) -> list[tuple[float, float]]:
    """Share of answers that stand, and share of those that agree, as the surest, then the next stand too.

    Answers of one probability come together: nothing parts them.
    """
    said, same = np.array(probabilities, np.float64), np.array(agreed, np.float64)
    order = np.argsort(-said, kind="stable")
    counts = np.arange(1, len(said) + 1)
    shares = np.cumsum(same[order]) / counts
    last = np.append(np.diff(said[order]) != 0, True)
    return list(zip((counts / len(said))[last].tolist(), shares[last].tolist(), strict=True))


class _Axes:
    """A square from 0 to 1 both ways, `left` pixels from the picture's edge."""

    def __init__(self, pen: ImageDraw.ImageDraw, left: int) -> None:
        self._pen, self._left = pen, left

    def at(self, x: float, y: float) -> tuple[float, float]:
        return (self._left + x * _SIDE) * _SCALE, (_TOP + (1 - y) * _SIDE) * _SCALE

    def frame(self, title: str, across: str) -> None:
        for step in range(6):
            share = step / 5
            self.line([(0, share), (1, share)], _LIGHT, 1)
            self.line([(share, 0), (share, 1)], _LIGHT, 1)
            self.text((0, share), f"{share:.0%}", _GREY, "rm", shift=(-6, 0))
            self.text((share, 0), f"{share:.0%}", _GREY, "mt", shift=(0, 8))
        self.text((0, 1), title, _INK, "lb", shift=(0, -14))
        self.text((0.5, 0), across, _GREY, "mt", shift=(0, 32))

    def line(self, points: Points, colour: str, width: float) -> None:
        self._pen.line([self.at(*point) for point in points], colour, round(width * _SCALE), "curve")

    def dot(self, point: tuple[float, float], radius: float, colour: str) -> None:
        self._pen.circle(self.at(*point), radius * _SCALE, fill=colour, outline="white", width=_SCALE)

    def text(
        self,
        point: tuple[float, float],
        words: str,
        colour: str,
        anchor: str,
        shift: tuple[int, int] = (0, 0),
    ) -> None:
        x, y = self.at(*point)
        place = (x + shift[0] * _SCALE, y + shift[1] * _SCALE)
        self._pen.text(place, words, colour, ImageFont.load_default(13 * _SCALE), anchor)


def _reliability(axes: _Axes, measured: Measured) -> None:
    axes.frame("How often the expert agrees, by the probability that was said", "probability said")
    axes.line([(0, 0), (1, 1)], _GREY, 1)
    for row, method in enumerate((RAW, CALIBRATED)):
        probabilities = measured.probabilities(method)
        bins = reliability(probabilities, measured.agreed)
        colour = _COLOURS[method]
        axes.line([(one.said, one.found) for one in bins], colour, 2)
        for one in bins:
            axes.dot((one.said, one.found), 3 + 12 * (one.n / len(probabilities)) ** 0.5, colour)
        error = expected_calibration_error(probabilities, measured.agreed)
        axes.text((0.03, 0.96 - 0.06 * row), f"{method}: error {error:.3f}", colour, "lm")


def _coverage(axes: _Axes, measured: Measured) -> None:
    axes.frame("How often answers that stand agree", "share of the student's answers that stand")
    for row, method in enumerate((RAW, CALIBRATED)):
        axes.line(coverage_curve(measured.probabilities(method), measured.agreed), _COLOURS[method], 2)
        axes.text((0.03, 0.16 - 0.06 * row), method, _COLOURS[method], "lm")
    for point, rates in requested_points(measured).items():
        axes.line([(point[0], rates[0]), point], _GREY, 1)
        axes.dot(point, 5, _COLOURS[CALIBRATED])
        anchor, right = ("mb", 0) if point[0] > _FULL else ("lb", 6)
        axes.text(point, ", ".join(f"{rate:.0%}" for rate in rates), _INK, anchor, shift=(right, -6))
    axes.text((0.03, 0.04), "dots: at the rate requested; a line leads to it", _GREY, "lm")


def requested_points(measured: Measured) -> dict[tuple[float, float], list[float]]:
    """Where sessions are at each requested rate: share of answers that stand and of those that agree."""
    agreed = np.array(measured.agreed)
    found: dict[tuple[float, float], list[float]] = {}
    for wanted in REQUESTED:
        stood = np.array(measured.stood(CALIBRATED, wanted))
        if stood.any():
            found.setdefault((float(stood.mean()), float(agreed[stood].mean())), []).append(wanted)
    return found
