"""A camera that is read all the time, so that a question gets the newest picture and never an old one.

Threads: one reads the device (`capture.camera_reader`); one watches over it, and leaves it behind when it
hangs (`capture.camera_watch` decides); whoever asks for a picture only looks into the slot.
"""

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from capture.camera_reader import CameraReader
from capture.camera_watch import Patience, Status, Step, Watch
from capture.device import Ended, Lost
from capture.picture import Captured, Depth, Opener, captured_frame
from capture.slot import LatestSlot
from core.errors import CaptureError
from core.types import Frame

_GRACE = 1.0  # seconds that closing waits for a device to let go


class Seen(NamedTuple):
    """A frame, how old it was when it was asked for, and distances [h, w] in millimetres where measured."""

    frame: Frame
    age_ms: float
    depth: Depth | None


class Camera:
    """Pictures of one source, from `start` to `close`. Its verbs may be called from any thread.

    `name` is what people are told it is. `tell` gets every `Status`, on the camera's own thread: it must be
    quick and must not raise.
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
        self._stirred, self._closing = threading.Event(), threading.Event()
        self._reading: CameraReader | None = None
        self._hanging: list[CameraReader] = []
        self._status: Status | None = None
        self._began = clock()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)

    def start(self) -> None:
        """Begin to read; returns at once. A camera is started once."""
        self._began = self._clock()
        self._thread.start()

    def close(self) -> None:
        """Stop and let go of the device; waits a second for a device that hangs, then leaves it behind."""
        self._closing.set()
        self._stirred.set()
        self._slot.close()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    @property
    def status(self) -> Status | None:
        """What was told last, None before anything was."""
        return self._status

    def newest(self) -> Captured | None:
        """The newest picture however old it is; None before the first and after closing."""
        found = self._slot.newest()
        return found.value if found else None

    def wait(self, timeout: float, after: float = float("-inf")) -> Captured | None:
        """The newest picture once one is there that was taken later than `after`.

        None when there is none within `timeout` seconds, or the camera is closed.
        """
        found = self._slot.wait(timeout, after)
        return found.value if found else None

    def frame(self, max_age_s: float) -> Seen:
        """The newest picture as a frame, with its age at this call.

        Raises CaptureError when there is none, or it is older than `max_age_s` seconds.
        """
        found, now = self._slot.newest(), self._clock()
        if found is None:
            raise CaptureError(f"{self._none(now)} {self._remedy()}")
        age = max(0.0, now - found.taken)
        if age > max_age_s:
            raise CaptureError(f"The camera has given no picture for {age:.1f} s. {self._remedy()}")
        return Seen(captured_frame(found.value.rgb), 1000.0 * age, found.value.depth)

    def __enter__(self) -> "Camera":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _none(self, now: float) -> str:
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
            while not self._closing.is_set() and self._act(self._next()):
                pass
        finally:
            self._let_go()

    def _next(self) -> Step:
        """What the watch says; what happens from here on is not slept through."""
        self._stirred.clear()
        self._hanging = [reading for reading in self._hanging if reading.alive]
        progress = self._reading.progress if self._reading else None
        return self._watch.step(self._clock(), progress, len(self._hanging))

    def _act(self, step: Step) -> bool:
        """Do it; whether there is more to do."""
        for status in step.tell:
            self._status = status
            self._tell(status)
        if step.do == "open":
            self._reading = CameraReader(self._opener, self._keep, self._stirred, self._clock)
        elif step.do == "wait":
            self._pause(step.wait)
        elif self._reading is not None:
            self._drop(self._reading)
        return step.do != "stop"

    def _pause(self, seconds: float) -> None:
        if not self._closing.is_set():
            self._stirred.wait(seconds)

    def _keep(self, captured: Captured) -> None:
        self._slot.put(captured, captured.taken)

    def _drop(self, reading: CameraReader) -> None:
        reading.give_up()
        self._hanging.append(reading)
        self._reading = None

    def _let_go(self) -> None:
        if self._reading is not None:
            self._reading.give_up()
            self._reading.join(_GRACE)
