"""Captured pictures, and the protocol of their sources."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.frames import encode, frame_of
from core.types import Frame

Rgb = npt.NDArray[np.uint8]
"""Colours [h, w, 3], from 0 to 255."""
Depth = npt.NDArray[np.uint16]
"""Distances [h, w] in millimetres, 0 where none was measured."""


@dataclass(frozen=True, eq=False)
class Captured:
    """A picture, the time it was taken, and the distances of the same instant, if any.

    `rgb` is uint8 [h, w, 3], `depth` uint16 [h, w] in millimetres. `taken` is in seconds of the monotonic
    clock, `wall` in seconds since 1970.
    """

    rgb: Rgb
    taken: float
    wall: float
    depth: Depth | None = None


class Source(Protocol):
    """An open device or file. One thread opens it, reads it and closes it."""

    def read(self) -> Captured | None:
        """The next picture, waiting for it; None after the last. Raises CaptureError when none comes."""

    def close(self) -> None:
        """Release it."""


Opener = Callable[[], Source]
"""Opens a source anew at each call. Raises CaptureError when it is missing."""


def validate(captured: Captured) -> Captured | None:
    """A picture of valid shape and type, without depth that does not fit it; None if it is unusable."""
    rgb, depth = captured.rgb, captured.depth
    if not isinstance(rgb, np.ndarray) or rgb.dtype != np.uint8 or rgb.ndim != 3:
        return None
    if rgb.shape[2] != 3 or rgb.size == 0:
        return None
    fits = depth is None or (depth.dtype == np.uint16 and depth.shape == rgb.shape[:2])
    return captured if fits else dataclasses.replace(captured, depth=None)


_DARK, _EVEN = 16, 4  # of 256


def blankness(rgb: Rgb) -> str:
    """Why a picture uint8 [h, w, 3] shows nothing, with a remedy; "" if it may show something.

    Cameras give black behind a cover, and green or grey, numbers that were never written, when their cable or
    stream fails.
    """
    seen = rgb[::4, ::4].reshape(-1, 3)
    high = seen.max(axis=0)
    if high.max() <= _DARK:
        return "The camera shows nothing but black. Take the cover off its lens, or turn on a light."
    even = bool((high - seen.min(axis=0) <= _EVEN).all())
    red, green, blue = (int(value) for value in high)
    unwritten = max(red, blue) <= _DARK and 120 <= green <= 160
    if even and (unwritten or red == green == blue == 128):
        return (
            "The camera shows nothing but one colour. Unplug it and plug it in again, or use another cable."
        )
    return ""


def captured_frame(rgb: Rgb) -> Frame:
    """A picture uint8 [h, w, 3] as a JPEG with its decoded picture."""
    return frame_of(encode(Image.fromarray(rgb)), rgb.size)
