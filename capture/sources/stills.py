"""Picture files with their times: a folder of pictures, or the frames of a recording."""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from capture.picture import Depth
from capture.player import ReelPicture
from core.errors import CaptureError, ImageError
from core.files import storage_errors
from core.pictures import read_picture


@dataclass(frozen=True)
class Still:
    """A picture file to show from `at` on, in seconds from the beginning.

    `depth` is a 16-bit PNG of its distances in millimetres, `wall` when it was taken, in seconds since 1970.
    """

    path: Path
    at: float
    depth: Path | None = None
    wall: float | None = None


class Stills:
    """A reel of picture files, at least one, that ends after so many seconds; `name` is for messages.

    An unreadable file is skipped: the picture before it stays.
    """

    tick = 0.1

    def __init__(self, stills: Sequence[Still], seconds: float, name: str, max_pixels: int) -> None:
        self._stills, self._seconds, self._name, self._max_pixels = list(stills), seconds, name, max_pixels
        self._current: tuple[Still, ReelPicture] | None = None

    def at(self, seconds: float) -> ReelPicture | None:
        if seconds >= self._seconds:
            return None
        while self._stills:
            still = self._stills[self.due([still.at for still in self._stills], seconds)]
            if self._current is None or self._current[0] is not still:
                try:
                    self._current = still, _load_still(still, self._max_pixels)
                except ImageError as error:
                    self._pass_over(still, error)
                    continue
            return self._current[1]
        raise AssertionError("passing over the last one raises")

    def rewind(self) -> None:
        """See `Reel.rewind`."""

    def close(self) -> None:
        self._current = None

    @staticmethod
    def due(starts: Sequence[float], seconds: float) -> int:
        """The index of the picture to show, given their start times; before them, the first."""
        return max(0, bisect.bisect_right(starts, seconds) - 1)

    def _pass_over(self, still: Still, error: ImageError) -> None:
        self._stills.remove(still)
        if not self._stills:
            raise CaptureError(f"No picture of {self._name} can be used. {error}") from error


def _load_still(still: Still, max_pixels: int) -> ReelPicture:
    if not still.path.is_file():
        raise ImageError(f"{still.path} is missing. Copy the folder again, whole.")
    with storage_errors("read", still.path):
        rgb = np.asarray(read_picture(still.path, still.path.name, max_pixels))
    depth = _depth(still.depth, rgb.shape[:2]) if still.depth else None
    return ReelPicture(rgb, depth, still.wall)


def _depth(path: Path, shape: tuple[int, ...]) -> Depth | None:
    """The distances in a file, None unless they are millimetres of every pixel."""
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            if picture.size != (shape[1], shape[0]) or not picture.mode.startswith("I"):
                return None
            return np.asarray(picture).astype(np.uint16)
    except (OSError, ValueError, SyntaxError):
        return None
