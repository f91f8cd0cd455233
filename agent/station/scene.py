"""Whether the camera sees something new in this session, by the likeness of frames.

Measured with the built-in student: the same view with noise or less light 0.99, moved by a twentieth of
its width 0.91, by a quarter 0.61; another view of the same rendered room 0.57 to 0.64 at best, of a real
one 0.4 to 0.7; of another room 0.28 to 0.58 at best. So a new view is certain, but another room is only
suggested by several frames in a row.
"""

from collections import deque

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.events import Change
from core.ports import Rows

STRANGE = 0.4
"""Below this likeness to everything seen, a view may be of another room;"""
STRANGE_VIEWS = 3
"""this many in a row most likely are."""

_REMEMBERED = 500  # views
_MOVED = 4.0  # levels of 255
_GLANCE = (32, 24)

Thumbnail = npt.NDArray[np.float32]
"""A tiny frame: brightness [24, 32] from 0 to 255."""


class Scenes:
    """Gets one frame after another and says when something new is seen. `known`: views at least so alike are
    the same. `still`: frames at least so alike show that the camera rests; while it moves nothing is
    reported.
    """

    def __init__(self, known: float, still: float) -> None:
        self._known, self._still = known, still
        self._seen: deque[Rows] = deque(maxlen=_REMEMBERED)
        self._last: Rows | None = None
        self._strange: list[Rows] = []
        self.resting = False
        """Whether the camera rested at the last frame."""

    def look(self, view: Rows) -> tuple[Change, float] | None:
        """What is new about a view, a unit row [d], with its likeness to the likest before; else None."""
        last, self._last = self._last, view
        if last is None:
            self._seen.append(view)
        self.resting = last is not None and float(view @ last) >= self._still
        if not self.resting:
            return None
        likeness = max((float(view @ seen) for seen in (*self._seen, *self._strange)), default=-1.0)
        if likeness >= self._known:
            # What was seen before is here: so the strange views were of this room too.
            if max((float(view @ strange) for strange in self._strange), default=-1.0) < self._known:
                self._settle()
            return None
        return self._new(view, likeness)

    def _new(self, view: Rows, likeness: float) -> tuple[Change, float]:
        likest = max((float(view @ seen) for seen in self._seen), default=-1.0)
        if likest >= STRANGE:
            self._settle()
            self._seen.append(view)
            return "view", likeness
        self._strange.append(view)
        if len(self._strange) < STRANGE_VIEWS:
            return "view", likeness
        self._settle()
        return "room", likeness

    def _settle(self) -> None:
        self._seen.extend(self._strange)
        self._strange.clear()


def thumbnail_of(rgb: npt.NDArray[np.uint8]) -> Thumbnail:
    """The thumbnail of a picture uint8 [h, w, 3]."""
    small = Image.fromarray(rgb).resize(_GLANCE, Image.Resampling.BOX, reducing_gap=1.0).convert("L")
    return np.asarray(small, dtype=np.float32)


def has_moved(now: Thumbnail, previous: Thumbnail | None) -> bool:
    """Whether two thumbnails differ by more than noise."""
    return previous is None or float(np.mean(np.abs(now - previous))) > _MOVED
