"""A map drawn over a frame: glowing where it is high, grey and darker elsewhere."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image

Cells = npt.NDArray[np.float32]
"""A map [rows, cols] over a frame, in any scale."""

_RAMP = ((0, (20, 10, 60)), (90, (150, 25, 110)), (170, (240, 105, 40)), (255, (255, 235, 120)))
"""From low to high: dark violet, red, orange, yellow."""
_GREY = 0.55  # share of the frame's colour that is removed
_SHADE = 0.62  # brightness where the map is low
_COVER = 0.72  # share of the frame covered where the map is highest
_ROOT = 0.75  # exponent of a level, which lifts what is beside a sharp peak
_WIDEST = 960  # pixels


def stretch(cells: Cells) -> Cells:
    """The map scaled to [0, 1]; 0 throughout if it is constant."""
    low, high = float(cells.min()), float(cells.max())
    return (cells - low) / (high - low) if high > low else np.zeros_like(cells)


def draw_heat(picture: Image.Image, cells: Cells) -> Image.Image:
    """The RGB picture with a map over it, of the same size."""
    levels = Image.fromarray((255 * stretch(cells) ** _ROOT).astype(np.uint8))
    soft = levels.resize(picture.size, Image.Resampling.BICUBIC)
    colours = soft.copy()
    colours.putpalette(_palette())
    faded = Image.blend(picture, picture.convert("L").convert("RGB"), _GREY)
    dark = faded.point(lambda value: round(_SHADE * value))
    return Image.composite(colours.convert("RGB"), dark, soft.point(lambda value: round(_COVER * value)))


@lru_cache(maxsize=1)
def _palette() -> bytes:
    places = np.array([place for place, _ in _RAMP])
    colours = np.array([colour for _, colour in _RAMP])
    channels = [np.interp(np.arange(256), places, colours[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=1).round().astype(np.uint8).tobytes()


def shrink(picture: Image.Image, widest: int = _WIDEST) -> Image.Image:
    """The picture, shrunk where a side is longer than that many pixels."""
    scale = widest / max(picture.size)
    if scale >= 1:
        return picture
    width, height = (max(1, round(side * scale)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
