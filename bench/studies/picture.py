"""A study as a picture: a dot and its interval a method, one above the other, as SVG."""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, floor, isfinite
from pathlib import Path

from bench.intervals import Interval
from bench.studies.published import printed
from core.errors import InputError
from core.files import atomic_write_text
from core.svg import GREY, dot, line, page, text

_LEFT, _WIDE, _RIGHT, _TOP, _STEP = 230, 420, 110, 48, 24
_DOT, _REFERENCE = "#1583a8", "#d18b1f"


def check_picture(path: Path | None) -> None:
    """Raises InputError for a name that is no SVG's."""
    if path is not None and path.suffix.lower() != ".svg":
        raise InputError(f"{path} is no name for a picture of this kind. Give one that ends in .svg.")


def draw(
    path: Path, title: str, dots: Mapping[str, Interval], reference: str, published: Mapping[str, float]
) -> None:
    """Write the picture. Raises StorageError."""
    atomic_write_text(path, svg(title, dots, reference, published))


def svg(title: str, dots: Mapping[str, Interval], reference: str, published: Mapping[str, float]) -> str:
    """Exact match of every method, a line where the reference is, and published numbers as they stand."""
    width, height = _LEFT + _WIDE + _RIGHT, _TOP + _STEP * len(dots) + 34
    low, high = _range(list(dots.values()))
    return page(
        width,
        height,
        title,
        (
            text(12, 20, title),
            text(width - 12, _TOP - 8, "published" if published else "", GREY, anchor="end"),
            *_axis(low, high, height),
            *_lines(dots, (low, high), reference, published),
        ),
    )


def _axis(low: float, high: float, height: int) -> Iterator[str]:
    every = 1 if high - low <= 0.5 else 2  # twentieths; more would run into each other
    for tick in range(round(low * 20), round(high * 20) + 1, every):
        x = _x(tick / 20, low, high)
        yield line((x, _TOP - 4), (x, height - 26))
        yield text(x, height - 10, f"{tick / 20:.2f}", GREY, anchor="middle")


def _lines(
    dots: Mapping[str, Interval], ends: tuple[float, float], reference: str, published: Mapping[str, float]
) -> Iterator[str]:
    if reference in dots:
        x = _x(dots[reference].mean, *ends)
        yield line((x, _TOP), (x, _TOP + _STEP * len(dots)), _REFERENCE, dash="4 4")
    for place, (name, found) in enumerate(dots.items()):
        y = _TOP + _STEP * place + _STEP / 2
        colour = _REFERENCE if name == reference else _DOT
        yield text(_LEFT - 12, y + 4, name, anchor="end")
        if isfinite(found.low):
            yield line((_x(found.low, *ends), y), (_x(found.high, *ends), y), colour, 2)
        yield dot(_x(found.mean, *ends), y, 5, colour)
        if name in published:
            yield text(_LEFT + _WIDE + _RIGHT - 12, y + 4, printed(published, name), GREY, anchor="end")


def _x(value: float, low: float, high: float) -> float:
    return _LEFT + (value - low) / (high - low) * _WIDE


def _range(found: Sequence[Interval]) -> tuple[float, float]:
    """Round bounds around all intervals, in twentieths."""
    lows = [min(one.mean, one.low) if isfinite(one.low) else one.mean for one in found]
    highs = [max(one.mean, one.high) if isfinite(one.high) else one.mean for one in found]
    low, high = floor(min(lows) * 20) / 20, ceil(max(highs) * 20) / 20
    return low, max(high, low + 0.05)
