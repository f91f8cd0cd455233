"""One attempt at a camera: a thread that opens and reads it, and may be abandoned."""

import dataclasses
import threading
from collections.abc import Callable
from typing import Any

from capture.camera_watch import Blank, CameraOpened, Over, Progress
from capture.picture import Captured, Opener, blankness, validate
from capture.spec import mask_credentials
from core.errors import RoomwiseError

_BUG = "The camera's reader failed, which is a bug. Please report it; the camera is opened again."


class CameraReader:
    """Opens a source and passes on its pictures until it ends or is given up.

    `deliver` gets every valid picture on the reader's thread; `changed` is set at the first picture and at
    the end.
    """

    def __init__(
        self,
        opener: Opener,
        deliver: Callable[[Captured], object],
        changed: threading.Event,
        clock: Callable[[], float],
    ) -> None:
        self._opener, self._deliver, self._changed, self._clock = opener, deliver, changed, clock
        self._lock = threading.Lock()
        self._given_up = False
        self._progress = Progress(began=clock())
        # A daemon, since a call into a driver may never return.
        self._thread = threading.Thread(target=self._run, name="camera-reader", daemon=True)
        self._thread.start()

    @property
    def progress(self) -> Progress:
        """The progress so far."""
        with self._lock:
            return self._progress

    @property
    def alive(self) -> bool:
        """Whether its thread still runs."""
        return self._thread.is_alive()

    def give_up(self) -> None:
        """Pass on nothing more; the thread ends when its call into the driver returns."""
        with self._lock:
            self._given_up = True

    def join(self, seconds: float) -> None:
        """Wait for its thread."""
        self._thread.join(seconds)

    def _run(self) -> None:
        over = Over(_BUG)
        try:
            over = self._read()
        finally:
            self._note(over=over)
            self._changed.set()

    def _read(self) -> Over:
        try:
            source = self._opener()
        except RoomwiseError as error:
            return Over(mask_credentials(str(error)))
        try:
            self._note(opened=self._clock())
            while not self._given_up:
                captured = source.read()
                if captured is None:
                    return Over(ended=True)
                valid = validate(captured)
                if valid is not None:
                    self._pass_on(valid)
            return Over()
        except RoomwiseError as error:
            return Over(mask_credentials(str(error)))
        finally:
            source.close()

    def _pass_on(self, captured: Captured) -> None:
        with self._lock:
            if self._given_up:
                return
            self._deliver(captured)
            now, before = self._clock(), self._progress
            height, width = captured.rgb.shape[:2]
            size = CameraOpened(width, height, captured.depth is not None)
            self._progress = dataclasses.replace(
                before, first=now if before.first is None else before.first, last=now,
                size=before.size or size, blank=_blank(captured, now, before.blank),
            )  # fmt: skip
            news = before.first is None or (before.blank is None) != (self._progress.blank is None)
        if news:
            self._changed.set()

    def _note(self, **changes: Any) -> None:
        with self._lock:
            self._progress = dataclasses.replace(self._progress, **changes)


def _blank(captured: Captured, now: float, before: Blank | None) -> Blank | None:
    reason = blankness(captured.rgb)
    if not reason:
        return None
    return before if before is not None and before.reason == reason else Blank(reason, now)
