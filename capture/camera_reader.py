"""One attempt at a camera: a thread that opens it, reads it, and may have to be left behind."""

import dataclasses
import threading
from collections.abc import Callable
from typing import Any

from capture.camera_watch import CameraOpened, Over, Progress
from capture.picture import Captured, Opener, whole
from capture.spec import masked
from core.errors import RoomwiseError

_BUG = "The camera's reader failed, which is a bug. Please report it; the camera is opened again."


class CameraReader:
    """Opens a source and hands on what it gives until it is over or given up.

    `deliver` gets every whole picture, on the reading's own thread; `stirred` is set when something happens
    that somebody may wait for: the first picture, and the end.
    """

    def __init__(
        self,
        opener: Opener,
        deliver: Callable[[Captured], object],
        stirred: threading.Event,
        clock: Callable[[], float],
    ) -> None:
        self._opener, self._deliver, self._stirred, self._clock = opener, deliver, stirred, clock
        self._lock = threading.Lock()
        self._given_up = False
        self._progress = Progress(began=clock())
        # A call into a driver may never return; then this thread must not keep the program alive.
        self._thread = threading.Thread(target=self._run, name="camera-reader", daemon=True)
        self._thread.start()

    @property
    def progress(self) -> Progress:
        """How far it is."""
        with self._lock:
            return self._progress

    @property
    def alive(self) -> bool:
        """Whether its thread has not returned yet."""
        return self._thread.is_alive()

    def give_up(self) -> None:
        """Hand on nothing more, from now on; the thread ends when its call into the driver returns."""
        with self._lock:
            self._given_up = True

    def join(self, seconds: float) -> None:
        """Wait so long for its thread."""
        self._thread.join(seconds)

    def _run(self) -> None:
        over = Over(_BUG)
        try:
            over = self._read()
        finally:
            self._note(over=over)
            self._stirred.set()

    def _read(self) -> Over:
        try:
            source = self._opener()
        except RoomwiseError as error:
            return Over(masked(str(error)))
        try:
            self._note(opened=self._clock())
            while not self._given_up:
                captured = source.read()
                if captured is None:
                    return Over(ended=True)
                usable = whole(captured)
                if usable is not None:
                    self._hand_on(usable)
            return Over()
        except RoomwiseError as error:
            return Over(masked(str(error)))
        finally:
            source.close()

    def _hand_on(self, captured: Captured) -> None:
        with self._lock:
            if self._given_up:
                return
            self._deliver(captured)
            now, before = self._clock(), self._progress
            height, width = captured.rgb.shape[:2]
            size = CameraOpened(width, height, captured.depth is not None)
            first = now if before.first is None else before.first
            self._progress = dataclasses.replace(before, first=first, last=now, size=before.size or size)
        if before.first is None:
            self._stirred.set()

    def _note(self, **told: Any) -> None:
        with self._lock:
            self._progress = dataclasses.replace(self._progress, **told)
