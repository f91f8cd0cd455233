"""Read RGB pictures from bytes and files, with errors that say what to do."""

import struct
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError

from core.errors import ImageError

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")
"""What is opened. Pillow knows dozens more, and starts other programs for some."""
# What Pillow's decoders raise on damaged files, found by feeding them such files.
_DAMAGED = (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error)


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
            return _rgb(_upright(picture))
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


def _open(source: Path | BinaryIO, formats: Sequence[str]) -> Image.Image:
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


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):
        # 16-bit grey: converting directly would clip all but the darkest 1/256.
        return picture.point(lambda value: value / 256).convert("L").convert("RGB")
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return picture.convert("RGB")
