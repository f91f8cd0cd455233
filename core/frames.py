"""Make frames from bytes, files and cameras, decoded once."""

import io
from pathlib import Path

from PIL import Image

from core.pictures import read_picture
from core.types import Frame

MAX_PIXELS = 50_000_000
_JPEG = b"\xff\xd8\xff"
_QUALITY, _FILE_QUALITY = 90, 95


def decode(data: bytes, name: str = "The frame", max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The upright RGB picture in a JPEG's bytes; `name` is for messages.

    Raises ImageError when the bytes are no JPEG, damaged, cut short, or beyond `max_pixels`.
    """
    return read_picture(io.BytesIO(data), name, max_pixels, formats=("JPEG",))


def encode(picture: Image.Image, quality: int = _QUALITY) -> bytes:
    """An RGB picture as the bytes of a JPEG; `quality` is Pillow's, in [1, 95]."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def frame_of(data: bytes, max_pixels: int = MAX_PIXELS, name: str = "The frame") -> Frame:
    """A JPEG's bytes with the picture they show. Raises ImageError as `decode` does."""
    return Frame(data, decode(data, name, max_pixels))


def read_frame(path: Path, max_pixels: int = MAX_PIXELS) -> Frame:
    """A picture file as a frame: a JPEG as it is, anything else as the JPEG it becomes. Raises ImageError."""
    data = path.read_bytes() if path.is_file() else b""
    if not data.startswith(_JPEG):
        data = encode(read_picture(path, str(path), max_pixels), _FILE_QUALITY)
    return frame_of(data, max_pixels, str(path))
