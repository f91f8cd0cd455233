"""How loud a room is when nobody speaks."""

from collections import deque

import numpy as np

from capture.audio import CHUNK, RATE

QUIET = -70.0
"""No room counts as quieter, in dB below full scale: below it are only the sound card's own bits."""

_SECONDS = 10.0
_QUANTILE = 0.1
_UNKNOWN = -60.0  # what a room is taken for before there is enough of it
_ENOUGH = 10  # chunks
_EVERY = 4  # chunks between two estimates


class RoomFloor:
    """The level that a tenth of the last ten seconds lay below. Speech has gaps enough to raise it little."""

    def __init__(self) -> None:
        self._levels: deque[float] = deque(maxlen=int(_SECONDS * RATE / CHUNK))
        self._seen = 0
        self._floor = _UNKNOWN

    @property
    def now(self) -> float:
        """The floor as far as it is known, in dB below full scale."""
        return self._floor

    def add(self, level: float) -> float:
        """Take the level of one more chunk; returns the floor with it, both in dB below full scale."""
        self._levels.append(level)
        self._seen += 1
        if len(self._levels) >= _ENOUGH and self._seen % _EVERY == 0:
            self._floor = max(QUIET, float(np.quantile(self._levels, _QUANTILE)))
        return self._floor
