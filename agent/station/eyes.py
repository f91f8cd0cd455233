"""The camera of a session: the newest frame, frames of a moment ago, the frame rate."""

import threading
import time
from collections import deque
from collections.abc import Callable

from PIL import Image

from capture.camera import Camera
from capture.camera_watch import CameraOpened, Status
from capture.device import DeviceBack, Ended, Lost
from capture.picture import Captured, blankness
from core.errors import CaptureError
from core.events import CameraChanged, Event
from core.frames import encode, frame_of
from core.types import Frame

SMALL = 320
"""Width in pixels of a frame on a screen."""

_KEPT = 45.0  # seconds: an utterance of half a minute, and the time to write it down
_APART = 0.25  # seconds between frames that are kept
_WAIT = 0.5
_RATED = 2.0  # seconds over which frames are counted
_QUALITY, _SMALL_QUALITY = 90, 70

Make = Callable[[Callable[[Status], None]], Camera]
"""Makes the camera, given who is told its status."""


class Eyes:
    """A camera from `start` to `close`. `say` gets its status, on any thread. While `heeding`, frames are
    kept for a while, so that a spoken question gets the frame from when it began.
    """

    def __init__(
        self, make: Make, oldest: float, say: Callable[[Event], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """`oldest`: seconds after which a frame is too old to be asked about. Raises as `make` does."""
        self.trouble = ""
        """Why there are no pictures, with a remedy; "" if there are."""
        self.heeding = False
        self._oldest, self._say, self._clock = oldest, say, clock
        self._camera = make(self._note_status)
        self._closing = threading.Event()
        self._arrivals: deque[float] = deque()
        self._kept: deque[tuple[float, bytes]] = deque()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._follow, name="eyes", daemon=True)

    def start(self) -> None:
        self._camera.start()
        self._thread.start()

    def close(self) -> None:
        """Release the camera; waits some seconds at most."""
        self._closing.set()
        self._camera.close()
        if self._thread.ident is not None:
            self._thread.join(2 * _WAIT)

    def newest(self) -> tuple[Captured, float] | None:
        """The newest picture, however old, and its age in milliseconds."""
        captured = self._camera.newest()
        return None if captured is None else (captured, 1000 * max(0.0, self._clock() - captured.taken))

    def frame(self) -> tuple[Frame, float]:
        """The newest frame and its age in milliseconds. Raises CaptureError when it is too old or there is
        none.
        """
        shot = self._camera.frame(self._oldest)
        return shot.frame, shot.age_ms

    def frame_at(self, moment: float) -> tuple[Frame, float]:
        """The newest frame at a moment of the monotonic clock, and its age then in milliseconds. Raises
        CaptureError when it was too old, or none was kept.
        """
        with self._lock:
            kept = list(self._kept)
        earlier = [entry for entry in kept if entry[0] <= moment]
        kept_frame = earlier[-1] if earlier else next(iter(kept), None)
        age = self._oldest + 1 if kept_frame is None else max(0.0, moment - kept_frame[0])
        if kept_frame is None or age > self._oldest:
            raise CaptureError(
                "The camera gave no picture when the question began to be spoken. "
                + (self.trouble or "Ask again when there is a picture.")
            )
        return frame_of(kept_frame[1]), 1000 * age

    def heed(self, heeding: bool) -> None:
        """Keep frames from now on, the newest one first; or stop."""
        newest = self._camera.newest()
        if heeding and not self.heeding and newest is not None:
            self._keep(newest)
        self.heeding = heeding

    @property
    def name(self) -> str:
        """The camera's name, without passwords."""
        return self._camera.name

    @property
    def rate(self) -> float:
        """Recent frames a second."""
        now = self._clock()
        with self._lock:
            return len([at for at in self._arrivals if now - at <= _RATED]) / _RATED

    def _follow(self) -> None:
        last = float("-inf")
        while not self._closing.is_set():
            captured = self._camera.wait(_WAIT, last)
            if captured is None:
                # A closed camera has nothing to wait for, and answers at once.
                self._closing.wait(_WAIT / 10)
                continue
            last = captured.taken
            with self._lock:
                self._arrivals.append(last)
                while self._arrivals[0] < last - _RATED:
                    self._arrivals.popleft()
            if self.heeding and (not self._kept or last - self._kept[-1][0] >= _APART):
                self._keep(captured)

    def _keep(self, captured: Captured) -> None:
        if blankness(captured.rgb):
            return
        data = as_jpeg(captured, _QUALITY)
        with self._lock:
            if self._kept and captured.taken <= self._kept[-1][0]:
                return
            self._kept.append((captured.taken, data))
            while self._kept[0][0] < captured.taken - _KEPT:
                self._kept.popleft()

    def _note_status(self, status: Status) -> None:
        changed = _change_event(self._camera.name, status)
        self.trouble = changed.reason
        self._say(changed)


def _change_event(name: str, status: Status) -> CameraChanged:
    now = time.time()
    match status:
        case CameraOpened():
            return CameraChanged(at=now, name=name, there=True)
        case DeviceBack(after=seconds):
            return CameraChanged(at=now, name=name, there=True, seconds=seconds)
        case Lost(reason=reason):
            return CameraChanged(at=now, name=name, there=False, reason=reason)
        case Ended():
            ended = f"{name} is over. Start again, or set camera.repeat."
            return CameraChanged(at=now, name=name, there=False, reason=ended)


def as_jpeg(captured: Captured, quality: int = _SMALL_QUALITY, width: int | None = None) -> bytes:
    """A picture as a JPEG, at most `width` pixels wide."""
    picture = Image.fromarray(captured.rgb)
    if width is not None and picture.width > width:
        size = (width, max(1, round(picture.height * width / picture.width)))
        picture = picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    return encode(picture, quality)
