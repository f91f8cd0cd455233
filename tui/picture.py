"""A picture in the cells of a screen, as Textual's strips. How it is drawn is in `core.half_cells`."""

import io

from PIL import Image
from textual.strip import Strip

from core import half_cells as cells
from core.half_cells import SHADES, UPPER_HALF, fit_cells
from core.pictures import read_picture

__all__ = ["SHADES", "UPPER_HALF", "drawn", "fit_cells", "half_cells", "read_jpeg"]

_LARGEST = 40_000_000
"""Pixels of a JPEG that is opened at all; a camera's is a twentieth of it."""


def read_jpeg(jpeg: bytes) -> Image.Image:
    """The picture of a JPEG, as RGB. Raises ImageError."""
    return read_picture(io.BytesIO(jpeg), "The frame", _LARGEST, ("JPEG",))


def half_cells(picture: Image.Image, columns: int, rows: int) -> list[Strip]:
    """The picture in exactly so many cells."""
    return [Strip(line, columns) for line in cells.half_cells(picture, columns, rows)]


def drawn(picture: Image.Image, columns: int, rows: int, colours: str | None) -> list[Strip]:
    """The picture fitted into the space, for a terminal with these colours (Rich's names, None without)."""
    return [Strip(line) for line in cells.draw_picture(picture, columns, rows, colours)]
