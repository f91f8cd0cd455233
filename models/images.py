"""A file from anywhere becomes an RGB picture, or an error that says what to do."""

from pathlib import Path

from PIL import Image

from core.errors import ImageError
from core.pictures import read_picture


def load_image(path: Path, max_pixels: int) -> Image.Image:
    """The first frame of a picture file as 8-bit RGB, see `core.pictures.read_picture`.

    Raises ImageError when the file is missing, no image, damaged, or beyond `max_pixels`.
    """
    if not path.is_file():
        raise ImageError(f"No image file at {path}. Check the path.")
    return read_picture(path, str(path), max_pixels)
