"""Read RGB pictures from bytes and files, with errors that say what to do."""

import struct
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from core.deep_pictures import to_8_bits
from core.errors import ImageError

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")
"""What is opened. Pillow knows dozens more, and starts other programs for some."""
_DARKEST = 64
"""Lightest value of 256 below which colours of 16 bits leave most of their range empty."""
# What Pillow's decoders raise on damaged files, found by feeding them such files.
_DAMAGED = (
    OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, AttributeError, ArithmeticError,
    struct.error,
)  # fmt: skip


def read_picture(
    source: Path | BinaryIO, name: str, max_pixels: int, formats: Sequence[str] = FORMATS
) -> Image.Image:
    """The first frame of a picture as upright 8-bit RGB; transparent parts become white.

    The size is checked before decoding. `name` is for messages; `formats` (Pillow's names) limits formats.
    Raises ImageError when it is no picture, damaged, cut short, or beyond `max_pixels`.
    """
    if isinstance(source, Path) and not source.is_file():
        raise ImageError(f"No image file at {source}. Check the path.")
    try:
        with _open(source, formats) as picture:
            width, height = picture.size
            if width * height > max_pixels:
                raise ImageError(
                    f"{name} has {width} x {height} pixels, more than the {max_pixels:,} allowed. "
                    "Make it smaller, or raise images.max_pixels in roomwise.toml."
                )
            halved = ";16" in str(picture.tile)  # of colours of 16 bits, Pillow keeps the upper 8
            rgb = _rgb(_upright(picture), name)
    except UnidentifiedImageError as error:
        kinds = " or ".join(formats)
        expected = "an image in a known format" if formats is FORMATS else f"a {kinds}"
        raise ImageError(f"{name} is not {expected}. Give a {kinds} file.") from error
    except Image.DecompressionBombError as error:
        raise ImageError(
            f"{name} has far more pixels than the {max_pixels:,} allowed. Make it smaller."
        ) from error
    except _DAMAGED as error:
        raise ImageError(f"{name} is damaged or cut short ({error}). Take or copy it again.") from error
    if halved and np.asarray(rgb).max() < _DARKEST:
        raise ImageError(f"{name} uses only a part of its 16 bits a colour. Save it with 8 bits a colour.")
    return rgb


def _open(source: Path | BinaryIO, formats: Sequence[str]) -> ImageFile.ImageFile:
    with warnings.catch_warnings():
        # Pillow warns at a limit of its own; ours is checked right after.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(source, formats=list(formats))


def _upright(picture: Image.Image) -> Image.Image:
    picture.load()
    try:
        return ImageOps.exif_transpose(picture)
    except _DAMAGED:
        return picture  # the pixels are good, only the note about orientation is not


def _rgb(picture: Image.Image, name: str) -> Image.Image:
    if picture.mode == "F" or picture.mode.startswith("I"):
        grey = to_8_bits(np.asarray(picture))
        if grey is None:
            raise ImageError(f"{name} is black throughout: its numbers are 0 or none. Take or save it again.")
        return Image.fromarray(grey).convert("RGB")
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return picture.convert("RGB")
