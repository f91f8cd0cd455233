"""Draw a picture in terminal cells as Rich segments, two pixels per cell.

Works over SSH, in tmux and in a browser. A terminal with fewer colours gets its nearest ones; with sixteen or
none, shades made of characters.
"""

from functools import lru_cache

from PIL import Image
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

UPPER_HALF = "▀"
SHADES = " .:-=+*#%@"
"""From dark to bright, for terminals without true colours."""
Line = list[Segment]
_STEP = 4
"""Colours are rounded to multiples of this, so that noise does not make a still picture flicker."""


def fit_cells(width: int, height: int, columns: int, rows: int) -> tuple[int, int]:
    """The columns and rows, at least one each, that a picture of these pixels fills of a space.

    A cell is taken to be twice as high as wide.
    """
    columns, rows = max(1, columns), max(1, rows)
    scale = min(columns / max(1, width), 2 * rows / max(1, height))
    return (
        min(columns, max(1, round(width * scale))),
        min(rows, max(1, round(height * scale / 2))),
    )


def half_cells(picture: Image.Image, columns: int, rows: int) -> list[Line]:
    """The picture in exactly so many cells: upper pixels are foreground, lower ones background."""
    small = picture.convert("RGB").resize((columns, 2 * rows), Image.Resampling.BOX)
    pixels = small.point(lambda value: min(255, round(value / _STEP) * _STEP)).tobytes()
    stride = 3 * columns
    return [
        _row(pixels[2 * row * stride : (2 * row + 1) * stride], pixels[(2 * row + 1) * stride :], columns)
        for row in range(rows)
    ]


def _row(upper: bytes, lower: bytes, columns: int) -> Line:
    """A row of cells; equal neighbours become one segment, to send less."""
    segments: Line = []
    start = 0
    for column in range(1, columns + 1):
        here, first = slice(3 * column, 3 * column + 3), slice(3 * start, 3 * start + 3)
        if column == columns or upper[here] != upper[first] or lower[here] != lower[first]:
            segments.append(Segment(UPPER_HALF * (column - start), _style(upper[first], lower[first])))
            start = column
    return segments


@lru_cache(maxsize=32_768)
def _style(upper: bytes, lower: bytes) -> Style:
    return Style(color=Color.from_rgb(*upper), bgcolor=Color.from_rgb(*lower))


def shades(picture: Image.Image, columns: int, rows: int) -> list[Line]:
    """The picture in exactly so many cells, its brightness as characters."""
    grey = picture.convert("L").resize((columns, rows), Image.Resampling.BOX).tobytes()
    letters = [SHADES[value * len(SHADES) // 256] for value in grey]
    return [[Segment("".join(letters[row * columns : (row + 1) * columns]))] for row in range(rows)]


def draw_picture(picture: Image.Image, columns: int, rows: int, colours: str | None) -> list[Line]:
    """Draw the picture to fit, for a terminal with these colours (Rich's names, None without)."""
    wide, high = fit_cells(*picture.size, columns, rows)
    draw = half_cells if colours in ("truecolor", "256", "eight_bit") else shades
    return draw(picture, wide, high)
