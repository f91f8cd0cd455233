"""A place for one value, the newest: who reads is never behind, who writes never waits."""

import math
import threading
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Stamped(Generic[T]):
    """A value and when it was taken, in seconds of the monotonic clock."""

    value: T
    taken: float


class LatestSlot(Generic[T]):
    """Holds the value that was taken last, whatever the order in which values are put. For many threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._newest: Stamped[T] | None = None
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether it holds nothing any more and never will."""
        return self._closed

    def put(self, value: T, taken: float) -> bool:
        """Replace what is there, unless that was taken as late or later, or the slot is closed.

        Returns whether the value is the newest now. Raises ValueError when `taken` is no time.
        """
        if not math.isfinite(taken):
            raise ValueError(f"{taken} is not a time")
        with self._changed:
            if self._closed or (self._newest is not None and taken <= self._newest.taken):
                return False
            self._newest = Stamped(value, taken)
            self._changed.notify_all()
            return True

    def newest(self) -> Stamped[T] | None:
        """The newest value, which stays there; None before the first and after closing."""
        with self._changed:
            return self._newest

    def wait(self, timeout: float, after: float = -math.inf) -> Stamped[T] | None:
        """The newest value once one is there that was taken later than `after`.

        None when there is none within `timeout` seconds, or as soon as the slot is closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._is_after(after), timeout)
            return self._newest if self._is_after(after) else None

    def close(self) -> None:
        """Let go of the value and wake everybody who waits. Again is no harm."""
        with self._changed:
            self._closed, self._newest = True, None
            self._changed.notify_all()

    def _is_after(self, moment: float) -> bool:
        return self._newest is not None and self._newest.taken > moment
