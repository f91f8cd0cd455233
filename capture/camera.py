"""A camera that is read all the time, so that a question gets the newest picture.

One thread reads the device (`capture.camera_reader`); one supervises it, and abandons it when it hangs
(`capture.camera_watch` decides); callers take pictures from the slot.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from capture.camera_reader import CameraReader
from capture.camera_watch import Patience, Status, Step, Watch
from capture.device import Ended, Lost
from capture.picture import Captured, Depth, Opener, blankness, captured_frame
from core.errors import CaptureError
from core.types import Frame

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


_GRACE = 1.0  # seconds that closing waits for a device to let go


class Seen(NamedTuple):
    """A frame, its age, and distances [h, w] in millimetres where measured."""

    frame: Frame
    age_ms: float
    depth: Depth | None


class Camera:
    """Pictures of one source, from `start` to `close`. Thread-safe.

    `name` is for messages. `tell` gets every `Status` on the camera's thread; it must be quick and must not
    raise.
    """

    def __init__(
        self,
        name: str,
        opener: Opener,
        patience: Patience | None = None,
        tell: Callable[[Status], None] = lambda status: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self._opener, self._tell, self._clock = name, opener, tell, clock
        self._slot: LatestSlot[Captured] = LatestSlot()
        self._watch = Watch(patience or Patience())
        self._changed, self._closing = threading.Event(), threading.Event()
        self._reader: CameraReader | None = None
        self._abandoned: list[CameraReader] = []
        self._status: Status | None = None
        self._began = clock()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)

    def start(self) -> None:
        """Begin to read; returns at once. Call it once."""
        self._began = self._clock()
        self._thread.start()

    def close(self) -> None:
        """Stop and release the device; abandons one that hangs for a second."""
        self._closing.set()
        self._changed.set()
        self._slot.close()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    @property
    def status(self) -> Status | None:
        """The last status told, None before the first."""
        return self._status

    def newest(self) -> Captured | None:
        """The newest picture however old it is; None before the first and after closing."""
        newest = self._slot.newest()
        return newest.value if newest else None

    def wait(self, timeout: float, after: float = float("-inf")) -> Captured | None:
        """Wait for a picture taken later than `after`; None after `timeout` seconds or when closed."""
        newest = self._slot.wait(timeout, after)
        return newest.value if newest else None

    def frame(self, max_age_s: float) -> Seen:
        """The newest picture as a frame, with its age at this call.

        Raises CaptureError when there is none, it is older than `max_age_s` seconds, or it has shown nothing
        for some time.
        """
        newest, now = self._slot.newest(), self._clock()
        if newest is None:
            raise CaptureError(f"{self._no_picture_message(now)} {self._remedy()}")
        age = max(0.0, now - newest.taken)
        if age > max_age_s:
            raise CaptureError(f"The camera has given no picture for {age:.1f} s. {self._remedy()}")
        if isinstance(self._status, Lost) and (reason := blankness(newest.value.rgb)):
            raise CaptureError(reason)
        return Seen(captured_frame(newest.value.rgb), 1000.0 * age, newest.value.depth)

    def __enter__(self) -> "Camera":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _no_picture_message(self, now: float) -> str:
        if self._slot.closed:
            return "The camera is closed."
        return f"The camera has given no picture yet, {now - self._began:.1f} s after it was started."

    def _remedy(self) -> str:
        if self._slot.closed:
            return "Start it again."
        if isinstance(self._status, Lost):
            return self._status.reason
        if isinstance(self._status, Ended):
            return f"{self.name} has ended. Start again, or set camera.repeat."
        return "Wait a moment, or check its cable and that no other program uses it."

    def _run(self) -> None:
        try:
            while not self._closing.is_set() and self._act(self._next_step()):
                pass
        finally:
            self._release()

    def _next_step(self) -> Step:
        """The watch's next step; later changes wake the pause."""
        self._changed.clear()
        self._abandoned = [reader for reader in self._abandoned if reader.alive]
        progress = self._reader.progress if self._reader else None
        return self._watch.step(self._clock(), progress, len(self._abandoned))

    def _act(self, step: Step) -> bool:
        """Do a step; returns whether to go on."""
        for status in step.tell:
            self._status = status
            self._tell(status)
        if step.do == "open":
            self._reader = CameraReader(self._opener, self._put, self._changed, self._clock)
        elif step.do == "wait":
            self._pause(step.wait)
        elif self._reader is not None:
            self._drop(self._reader)
        return step.do != "stop"

    def _pause(self, seconds: float) -> None:
        if not self._closing.is_set():
            self._changed.wait(seconds)

    def _put(self, captured: Captured) -> None:
        self._slot.put(captured, captured.taken)

    def _drop(self, reader: CameraReader) -> None:
        reader.give_up()
        self._abandoned.append(reader)
        self._reader = None

    def _release(self) -> None:
        if self._reader is not None:
            self._reader.give_up()
            self._reader.join(_GRACE)
