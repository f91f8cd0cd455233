"""When a camera is opened, given up and opened again, and what is said about it. No clock, no threads."""

import math
from dataclasses import dataclass
from typing import Literal

from capture.device import DeviceBack, Ended, Lost


@dataclass(frozen=True)
class CameraOpened:
    """The first picture came; this is its size in pixels, and whether distances come with it."""

    width: int
    height: int
    depth: bool


Status = CameraOpened | Lost | DeviceBack | Ended
"""What becomes of a camera."""


@dataclass(frozen=True)
class Over:
    """Why an attempt gives no more pictures: `ended`, or for a `reason` that ends with a remedy."""

    reason: str = ""
    ended: bool = False


@dataclass(frozen=True)
class Progress:
    """How far an attempt is. Times in seconds of one clock; `first` and `last` are those of its pictures."""

    began: float
    opened: float | None = None
    first: float | None = None
    last: float | None = None
    size: CameraOpened | None = None
    over: Over | None = None


@dataclass(frozen=True)
class Patience:
    """How long is waited for what, in seconds.

    `opening`: for a device to open. `stalled`: for a picture. `first_pause`: before a device that was lost is
    opened again; then twice as long from one attempt to the next, up to `longest_pause`. `hanging`: how many
    attempts may hang in a call that does not return before no more are begun.
    """

    opening: float = 10.0
    stalled: float = 3.0
    first_pause: float = 0.5
    longest_pause: float = 3.0
    hanging: int = 4

    def pause(self, failures: int) -> float:
        """How long from one attempt to the next after so many failures in a row, at least one."""
        return min(self.longest_pause, self.first_pause * 2.0 ** min(failures - 1, 30))

    def deadline(self, progress: Progress) -> float:
        """Until when something must have come of an attempt."""
        if progress.opened is None:
            return progress.began + self.opening
        return max(progress.opened, progress.last or -math.inf) + self.stalled


@dataclass(frozen=True)
class Step:
    """What to do now: "open" an attempt; let go of one that is "over"; "abandon" one that hangs; "wait" so
    many seconds, less when something happens; or "stop" for good. `tell` is to be told first, in order.
    """

    do: Literal["open", "over", "abandon", "wait", "stop"]
    wait: float = 0.0
    tell: tuple[Status, ...] = ()


class Watch:
    """Follows one camera from its first opening on. `step` is asked again and again, with a clock that never
    goes back.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._failures = 0
        self._next = -math.inf  # when to open
        self._last: float | None = None  # picture, of all attempts
        self._lost: str | None = None  # the reason told
        self._greeted = False  # this attempt's first picture was told

    def step(self, now: float, progress: Progress | None, hanging: int) -> Step:
        """What to do at this moment. `progress` of the attempt under way, None without one; `hanging` is how
        many that were abandoned have not returned yet.
        """
        if progress is None:
            return self._between(now, hanging)
        told = self._greet(progress)
        self._last = progress.last if progress.last is not None else self._last
        if progress.over is not None:
            return self._over(now, progress, told)
        left = self._patience.deadline(progress) - now
        if left > 0:
            return Step("wait", left, told)
        return self._failed(now, progress, "abandon", _silence(progress), told)

    def _between(self, now: float, hanging: int) -> Step:
        if now < self._next:
            return Step("wait", self._next - now)
        if hanging < self._patience.hanging:
            self._greeted = False
            return Step("open")
        reason = "The camera's driver does not answer any more. Unplug the camera, or restart Roomwise."
        self._next = now + self._patience.longest_pause
        return Step("wait", self._patience.longest_pause, self._lose(reason))

    def _greet(self, progress: Progress) -> tuple[Status, ...]:
        """What the first picture of an attempt gives to tell."""
        if self._greeted or progress.size is None or progress.first is None:
            return ()
        self._greeted, lost, self._lost = True, self._lost, None
        if self._last is None:
            return (progress.size,)
        return (DeviceBack(progress.first - self._last),) if lost is not None else ()

    def _over(self, now: float, progress: Progress, told: tuple[Status, ...]) -> Step:
        assert progress.over is not None
        if progress.over.ended:
            return Step("stop", tell=(*told, Ended()))
        return self._failed(now, progress, "over", progress.over.reason, told)

    def _failed(
        self,
        now: float,
        progress: Progress,
        do: Literal["over", "abandon"],
        reason: str,
        told: tuple[Status, ...],
    ) -> Step:
        # One that gives a picture now and then and dies is not opened again ever faster.
        first, last = progress.first, progress.last
        steady = first is not None and last is not None and last - first >= self._patience.longest_pause
        self._failures = 1 if steady else self._failures + 1
        # Counted from its beginning, so that a silent device does not cost its silence and a long pause.
        pause = progress.began + self._patience.pause(self._failures)
        self._next = max(pause, now + self._patience.first_pause)
        return Step(do, tell=(*told, *self._lose(reason)))

    def _lose(self, reason: str) -> tuple[Status, ...]:
        if reason == self._lost:
            return ()
        self._lost = reason
        return (Lost(reason),)


def _silence(progress: Progress) -> str:
    if progress.opened is None:
        return "The camera does not open. Check its cable or address, and that no other program uses it."
    return "The camera gives no pictures. Check its cable and that no other program uses it."
