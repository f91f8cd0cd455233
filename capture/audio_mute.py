"""When the microphone is not listened to, so that the agent does not answer its own voice."""

import math
import threading
from collections import deque

TAIL = 0.3
"""Seconds after the last word that a room and a loudspeaker's buffer still sound."""

_REMEMBERED = 64


class Mute:
    """Spans of time in which the agent spoke, on the monotonic clock. Safe for several threads.

    Sound is judged by when it was captured, not by when somebody gets to it.
    """

    def __init__(self, tail: float = TAIL) -> None:
        self._tail = tail
        self._lock = threading.Lock()
        self._spans: deque[tuple[float, float]] = deque(maxlen=_REMEMBERED)
        self._since: list[float] = []

    def begin(self, at: float) -> None:
        """A voice begins. Several may speak at once; each `begin` needs its `end`."""
        with self._lock:
            self._since.append(at)

    def end(self, at: float) -> None:
        """A voice is over."""
        with self._lock:
            if self._since:
                self._spans.append((self._since.pop(0), at + self._tail))

    def covers(self, began: float, ended: float) -> bool:
        """Whether any of the time from `began` to `ended` is muted."""
        with self._lock:
            spans = [*self._spans, *((since, math.inf) for since in self._since)]
        return any(since < ended and began < until for since, until in spans)
