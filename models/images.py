"""Picture files as models read them."""

from pathlib import Path

from PIL.Image import Image

from core.pictures import read_picture


def load_image(path: Path, max_pixels: int) -> Image:
    """The first frame of a file as 8-bit RGB, see `read_picture`. Raises ImageError."""
    return read_picture(path, str(path), max_pixels)
