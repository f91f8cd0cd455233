"""Read a picture and its depth, FILE.jpg and FILE.depth.png (16 bits, millimetres)."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import InputError
from core.pictures import read_picture
from models.scene.pixels import check_pair

SIDE = 160
DEPTH = ".depth.png"
_MOST_PIXELS = 50_000_000


def beside(picture: Path) -> Path:
    """The path of a picture's depth."""
    return picture.with_name(picture.stem + DEPTH)


def read_pair(picture: Path, depth: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """A pair squeezed to squares: uint8 [160, 160, 3] and uint16 [160, 160] millimetres.

    Raises InputError (ImageError too) when a file is missing or damaged, or the two cannot be of one view.
    """
    if not depth.is_file():
        raise InputError(f"{picture} has no depth beside it. Put it there as {depth.name}.")
    if not picture.is_file():
        raise InputError(f"There is no picture at {picture}. Check the path.")
    image = read_picture(picture, str(picture), _MOST_PIXELS)
    distances = read_depth(depth)
    try:
        check_pair(image, distances)
    except InputError as error:
        raise InputError(f"{picture}: {error}") from error
    small = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    # Nearest neighbour: a mean of near and far is a distance where nothing is.
    rows = (np.arange(SIDE) + 0.5) * distances.shape[0] / SIDE
    columns = (np.arange(SIDE) + 0.5) * distances.shape[1] / SIDE
    return np.asarray(small, np.uint8), distances[np.ix_(rows.astype(int), columns.astype(int))]


def read_depth(path: Path) -> NDArray[np.uint16]:
    """A depth frame uint16 [h, w] from a 16-bit PNG. Raises InputError for any other picture."""
    try:
        with Image.open(path, formats=["PNG"]) as image:
            values = np.asarray(image)
            mode = image.mode
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"{path} is no PNG that can be read ({error}). Copy it again.") from error
    if not mode.startswith("I") or values.ndim != 2 or values.min() < 0 or values.max() > 65535:
        raise InputError(
            f"{path} is of mode {mode}, not 16-bit grey. Save depth as 16-bit PNG in millimetres."
        )
    return values.astype(np.uint16)
