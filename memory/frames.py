"""JPEG bytes become pictures to compare; whatever else is in them is refused."""

import io

from PIL import Image

from core.pictures import read_picture
from core.types import Frame

MAX_PIXELS = 50_000_000


def decode(data: bytes, name: str = "The frame", max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The upright RGB picture in a JPEG's bytes; `name` is what errors call it.

    Raises ImageError when the bytes are no JPEG, damaged, cut short, or beyond `max_pixels`.
    """
    return read_picture(io.BytesIO(data), name, max_pixels, formats=("JPEG",))


def frame_of(data: bytes, max_pixels: int = MAX_PIXELS) -> Frame:
    """A JPEG's bytes with their picture. Raises ImageError as `decode` does."""
    return Frame(data, decode(data, max_pixels=max_pixels))
