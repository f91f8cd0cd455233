"""A slot for the newest value: readers are never behind, writers never wait."""

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
    """Holds the value that was taken last, in whatever order values are put. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._newest: Stamped[T] | None = None
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._closed

    def put(self, value: T, taken: float) -> bool:
        """Put a value unless a newer one is there or the slot is closed; returns whether it was put.

        Raises ValueError when `taken` is not finite.
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
        """The newest value; None before the first and after closing."""
        with self._changed:
            return self._newest

    def wait(self, timeout: float, after: float = -math.inf) -> Stamped[T] | None:
        """Wait for a value taken later than `after`; None after `timeout` seconds or when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._is_after(after), timeout)
            return self._newest if self._is_after(after) else None

    def close(self) -> None:
        """Drop the value and wake all waiting threads. May be called again."""
        with self._changed:
            self._closed, self._newest = True, None
            self._changed.notify_all()

    def _is_after(self, moment: float) -> bool:
        return self._newest is not None and self._newest.taken > moment
