"""Bytes from anywhere become an RGB picture, or an error that says what to do."""

import struct
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError

from core.errors import ImageError

# What Pillow's decoders raise on damaged files, found by feeding them such files.
_DAMAGED = (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error)


def read_picture(
    source: Path | BinaryIO, name: str, max_pixels: int, formats: Sequence[str] = ()
) -> Image.Image:
    """The first frame of a picture as 8-bit RGB, turned the way its camera was held.

    Transparent parts become white. Size is read from the header and judged before any pixel is decoded.
    `name` is what errors call it; with `formats` (Pillow's names) no others are tried. Raises ImageError
    when it is no picture, damaged, cut short, or beyond `max_pixels`.
    """
    try:
        with _opened(source, formats) as picture:
            width, height = picture.size
            if width * height > max_pixels:
                raise ImageError(
                    f"{name} has {width} x {height} pixels, more than the {max_pixels:,} allowed. "
                    "Make it smaller, or raise images.max_pixels in roomwise.toml."
                )
            return _rgb(_upright(picture))
    except UnidentifiedImageError as error:
        wanted = f"a {' or '.join(formats)}" if formats else "an image in a known format"
        given = " or ".join(formats) or "JPEG or PNG"
        raise ImageError(f"{name} is not {wanted}. Give a {given} file.") from error
    except Image.DecompressionBombError as error:
        raise ImageError(
            f"{name} has far more pixels than the {max_pixels:,} allowed. Make it smaller."
        ) from error
    except _DAMAGED as error:
        raise ImageError(f"{name} is damaged or cut short ({error}). Take or copy it again.") from error


def load_image(path: Path, max_pixels: int) -> Image.Image:
    """`read_picture` of a file in any known format. Raises ImageError, also when the file is missing."""
    if not path.is_file():
        raise ImageError(f"No image file at {path}. Check the path.")
    return read_picture(path, str(path), max_pixels)


def _opened(source: Path | BinaryIO, formats: Sequence[str]) -> Image.Image:
    with warnings.catch_warnings():
        # Pillow warns from a limit of its own on; ours is configured and checked right after.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(source, formats=list(formats) or None)


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
        seen = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("RGB")
    return picture.convert("RGB")
