"""JPEG bytes become pictures to compare; whatever else is in them is refused."""

import io
import struct
import warnings

from PIL import Image, UnidentifiedImageError

from core.errors import ImageError

MAX_PIXELS = 50_000_000
_DAMAGED = (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error)


def decode(data: bytes, name: str = "The frame", max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The RGB picture in a JPEG's bytes; `name` is what errors call it.

    Size is read from the header and judged before any pixel is decoded. Raises ImageError when the
    bytes are no JPEG, damaged, cut short, or beyond `max_pixels`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit comes next
            picture = Image.open(io.BytesIO(data), formats=["JPEG"])
        if picture.width * picture.height > max_pixels:
            raise ImageError(
                f"{name} has {picture.width} x {picture.height} pixels, more than the {max_pixels:,} "
                "allowed. Make it smaller."
            )
        return picture.convert("RGB")
    except UnidentifiedImageError as error:
        raise ImageError(f"{name} is not a JPEG. Give the frame as JPEG bytes.") from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name} has far more than {max_pixels:,} pixels. Make it smaller.") from error
    except _DAMAGED as error:
        raise ImageError(f"{name} is damaged or cut short ({error}). Take or copy it again.") from error
