"""Play files as if a camera saw them now, at their own speed."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from capture.picture import Captured, Depth, Rgb


@dataclass(frozen=True, eq=False)
class ReelPicture:
    """A picture of a reel, with depth, and the time it was taken in seconds since 1970, where known."""

    rgb: Rgb
    depth: Depth | None = None
    wall: float | None = None


class Reel(Protocol):
    """Pictures in their order of time. Read by one thread."""

    tick: float
    """Seconds between pictures."""

    def at(self, seconds: float) -> ReelPicture | None:
        """The picture at `seconds`, which never decreases; None after the end.

        Raises CaptureError when nothing can be shown.
        """

    def rewind(self) -> None:
        """Begin again."""

    def close(self) -> None:
        """Let go of it."""


class Player:
    """A source that plays a reel, once or repeatedly. A still is given again and again."""

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
        """The picture at the next tick. Raises CaptureError as the reel does."""
        now = self._wait_for_tick()
        picture = self._reel.at(now - self._began)
        if picture is None and self._repeat:
            self._reel.rewind()
            self._began = now
            picture = self._reel.at(0.0)
        if picture is None:
            return None
        return Captured(
            picture.rgb, now, time.time() if picture.wall is None else picture.wall, picture.depth
        )

    def close(self) -> None:
        """Let go of the reel."""
        self._reel.close()

    def _wait_for_tick(self) -> float:
        """Wait for the next tick, skipping those that have passed."""
        now = self._clock()
        if now < self._next:
            self._sleep(self._next - now)
            now = self._clock()
        self._next = max(self._next + self._reel.tick, now)
        return now
