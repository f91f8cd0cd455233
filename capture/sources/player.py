"""Plays what lies on disk as if a camera saw it now: newest picture first, at its own speed."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from capture.picture import Captured, Depth, Rgb


@dataclass(frozen=True, eq=False)
class ReelPicture:
    """A picture of a reel, with its distances, and when it was taken in seconds since 1970, where known."""

    rgb: Rgb
    depth: Depth | None = None
    wall: float | None = None


class Reel(Protocol):
    """Pictures in their order of time. Read by one thread."""

    tick: float
    """How many seconds apart it is worth looking at."""

    def at(self, seconds: float) -> ReelPicture | None:
        """What is seen so many seconds after its beginning; None after its end. Time only goes on.

        Raises CaptureError when nothing of it can be seen.
        """

    def rewind(self) -> None:
        """Begin again."""

    def close(self) -> None:
        """Let go of it."""


class Player:
    """A source that shows a reel, once or for ever. A still is given again and again: it is seen now."""

    def __init__(
        self,
        reel: Reel,
        repeat: bool,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._reel, self._repeat, self._clock, self._sleep = reel, repeat, clock, sleep
        self._began = self._next = clock()

    def read(self) -> Captured | None:
        """What is seen at the next tick. Raises CaptureError as the reel does."""
        now = self._due()
        shown = self._reel.at(now - self._began)
        if shown is None and self._repeat:
            self._reel.rewind()
            self._began = now
            shown = self._reel.at(0.0)
        if shown is None:
            return None
        return Captured(shown.rgb, now, time.time() if shown.wall is None else shown.wall, shown.depth)

    def close(self) -> None:
        """Let go of the reel."""
        self._reel.close()

    def _due(self) -> float:
        """Wait for the next tick; ticks that went by meanwhile are left out."""
        now = self._clock()
        if now < self._next:
            self._sleep(self._next - now)
            now = self._clock()
        self._next = max(self._next + self._reel.tick, now)
        return now
