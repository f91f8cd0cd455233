"""Decide when to open, abandon and reopen a camera, and what to tell. No clock, no threads."""

import math
from dataclasses import dataclass
from typing import Literal

from capture.device import DeviceBack, Ended, Lost


@dataclass(frozen=True)
class CameraOpened:
    """The first picture came, with its size in pixels and whether it has depth."""

    width: int
    height: int
    depth: bool


Status = CameraOpened | Lost | DeviceBack | Ended
"""The status of a camera."""


@dataclass(frozen=True)
class Over:
    """Why an attempt gives no more pictures: `ended`, or a `reason` that ends with a remedy."""

    reason: str = ""
    ended: bool = False


@dataclass(frozen=True)
class Blank:
    """Why and since when pictures show nothing."""

    reason: str
    since: float


@dataclass(frozen=True)
class Progress:
    """The progress of an attempt, in seconds of one clock; `first` and `last` picture."""

    began: float
    opened: float | None = None
    first: float | None = None
    last: float | None = None
    size: CameraOpened | None = None
    over: Over | None = None
    blank: Blank | None = None


@dataclass(frozen=True)
class Patience:
    """Time-outs in seconds.

    `opening`: for a device to open. `stalled`: for a picture. `first_pause`: before the first reopening, then
    doubled up to `longest_pause`. `hanging`: how many attempts may hang before no more are begun. `blank`:
    until pictures that show nothing are said; the device stays open.
    """

    opening: float = 10.0
    stalled: float = 3.0
    first_pause: float = 0.5
    longest_pause: float = 3.0
    hanging: int = 4
    blank: float = 5.0

    def pause(self, failures: int) -> float:
        """The pause after so many failures in a row, at least one."""
        return min(self.longest_pause, self.first_pause * 2.0 ** min(failures - 1, 30))

    def deadline(self, progress: Progress) -> float:
        """When an attempt without news has failed."""
        if progress.opened is None:
            return progress.began + self.opening
        return max(progress.opened, progress.last or -math.inf) + self.stalled


@dataclass(frozen=True)
class Step:
    """What to do now: "open" an attempt; release one that is "over"; "abandon" one that hangs; "wait" at most
    so many seconds; or "stop" for good. Statuses in `tell` come first.
    """

    do: Literal["open", "over", "abandon", "wait", "stop"]
    wait: float = 0.0
    tell: tuple[Status, ...] = ()


class Watch:
    """The state machine of one camera; call `step` repeatedly, with a monotonic clock."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._failures = 0
        self._next = -math.inf  # when to open
        self._last: float | None = None  # picture, of all attempts
        self._lost_reason: str | None = None  # the reason told
        self._first_told = False  # this attempt's first picture was told
        self._blank: Blank | None = None  # what was told of pictures that show nothing

    def step(self, now: float, progress: Progress | None, hanging: int) -> Step:
        """The next step. `progress` of the current attempt, if any; `hanging`: abandoned attempts that have
        not returned.
        """
        if progress is None:
            return self._before_attempt(now, hanging)
        statuses = self._first_picture(progress)
        self._last = progress.last if progress.last is not None else self._last
        if progress.over is not None:
            return self._end(now, progress, statuses)
        remaining = self._patience.deadline(progress) - now
        if remaining > 0:
            return Step("wait", remaining, statuses + self._note_blank(now, progress.blank))
        return self._fail(now, progress, "abandon", _silence(progress), statuses)

    def _before_attempt(self, now: float, hanging: int) -> Step:
        if now < self._next:
            return Step("wait", self._next - now)
        if hanging < self._patience.hanging:
            self._first_told = False
            return Step("open")
        reason = "The camera's driver does not answer any more. Unplug the camera, or restart Roomwise."
        self._next = now + self._patience.longest_pause
        return Step("wait", self._patience.longest_pause, self._lose(reason))

    def _first_picture(self, progress: Progress) -> tuple[Status, ...]:
        """The statuses to tell at the first picture of an attempt."""
        if self._first_told or progress.size is None or progress.first is None:
            return ()
        self._first_told, reason, self._lost_reason, self._blank = True, self._lost_reason, None, None
        if self._last is None:
            return (progress.size,)
        return (DeviceBack(progress.first - self._last),) if reason is not None else ()

    def _note_blank(self, now: float, blank: Blank | None) -> tuple[Status, ...]:
        """The statuses to tell of pictures that show nothing, or do again."""
        if blank is not None and now - blank.since >= self._patience.blank:
            self._blank = blank
            return self._lose(blank.reason)
        told, self._blank = self._blank, None if blank is None else self._blank
        if blank is not None or told is None:
            return ()
        self._lost_reason = None
        return (DeviceBack(now - told.since),)

    def _end(self, now: float, progress: Progress, statuses: tuple[Status, ...]) -> Step:
        assert progress.over is not None
        if progress.over.ended:
            return Step("stop", tell=(*statuses, Ended()))
        return self._fail(now, progress, "over", progress.over.reason, statuses)

    def _fail(
        self,
        now: float,
        progress: Progress,
        do: Literal["over", "abandon"],
        reason: str,
        statuses: tuple[Status, ...],
    ) -> Step:
        # Only steady attempts reset the count, so that a flapping camera is not reopened ever faster.
        first, last = progress.first, progress.last
        steady = first is not None and last is not None and last - first >= self._patience.longest_pause
        self._failures = 1 if steady else self._failures + 1
        # From the attempt's beginning, so that a silent device does not cost a time-out plus a pause.
        pause = progress.began + self._patience.pause(self._failures)
        self._next = max(pause, now + self._patience.first_pause)
        return Step(do, tell=(*statuses, *self._lose(reason)))

    def _lose(self, reason: str) -> tuple[Status, ...]:
        if reason == self._lost_reason:
            return ()
        self._lost_reason = reason
        return (Lost(reason),)


def _silence(progress: Progress) -> str:
    if progress.opened is None:
        return "The camera does not open. Check its cable or address, and that no other program uses it."
    return "The camera gives no pictures. Check its cable and that no other program uses it."
