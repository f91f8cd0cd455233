"""A queue that never makes a sound card wait: when it is full the oldest piece goes, and is counted."""

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class OverflowQueue(Generic[T]):
    """At most `size` values, first in first out. Safe for several threads."""

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"a queue of {size} holds nothing")
        self._values: deque[T] = deque()
        self._size = size
        self._changed = threading.Condition()
        self._closed = False
        self._overflowed = 0

    @property
    def overflowed(self) -> int:
        """How many values were dropped since nobody took them in time."""
        with self._changed:
            return self._overflowed

    def put(self, value: T) -> None:
        """Add a value without waiting. After `close` it is dropped, uncounted."""
        with self._changed:
            if self._closed:
                return
            if len(self._values) == self._size:
                self._values.popleft()
                self._overflowed += 1
            self._values.append(value)
            self._changed.notify()

    def get(self, timeout: float) -> T | None:
        """The oldest value; None when none came within `timeout` seconds or the queue is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._values or self._closed, timeout)
            return self._values.popleft() if self._values else None

    def close(self) -> None:
        """Take nothing more, and wake who waits. What is in it can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
