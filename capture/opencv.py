"""Cameras, streams and videos through OpenCV, whichever is there: that of a wheel, or that of a Jetson."""

import contextlib
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from capture.absent import absent_message, lacking_message
from capture.picture import Captured, Rgb, blankness
from capture.player import ReelPicture
from capture.spec import Csi, Network, Usb
from core.errors import CaptureError
from core.extras import require_native
from core.sections import CameraConfig

# A shorter silence leaves too short a backlog to drop pictures for.
_SILENCE = 0.5  # seconds
_SPARE = 8  # pictures that drivers hold beside those of the silence
_DEEPEST = 20.0  # seconds of pictures that a buffer may hold


class Backlog:
    """Says which fetched pictures to skip.

    After opening, after a silence of the device, or when nobody asked for a while, buffered pictures come at
    once, oldest first; one that had to be waited for is new. `rate` is in pictures a second, `opening` when
    opening began. Times in seconds of one clock.
    """

    def __init__(self, rate: float, opening: float) -> None:
        self._period = 1.0 / rate
        self._last = opening
        self._waited = 0.0
        self._remaining = self._new_in_a_row = 0
        # A busy machine can cause one short wait, but not two in a row.
        self._enough = 2 if rate > 5 else 1

    def is_old(self, asked: float, came: float) -> bool:
        """Whether to skip a picture that was asked for and came at these times."""
        unasked, waited, before = asked - self._last, came - asked, self._waited
        self._last, self._waited = came, waited
        # Unless the device is always that slow.
        fell_silent = waited > max(_SILENCE, 2 * before)
        if fell_silent or unasked > _SILENCE:
            self._expect(unasked + waited)
        self._new_in_a_row = self._new_in_a_row + 1 if waited >= self._period / 2 and not fell_silent else 0
        self._remaining = 0 if self._new_in_a_row >= self._enough else max(0, self._remaining - 1)
        return self._remaining > 0

    def _expect(self, silence: float) -> None:
        """Expect as many buffered pictures as were made in the silence, and as many again meanwhile.

        Not more: a reader that cannot keep up sees old pictures rather than none.
        """
        most = int(2 * _DEEPEST / self._period)
        self._remaining = min(most, self._remaining + int(2 * silence / self._period) + _SPARE)


def pipeline(sensor: int, config: CameraConfig) -> str:
    """From the sensor to pictures in BGR. One picture waits at most, the newest."""
    return (
        f"nvarguscamerasrc sensor-id={sensor} ! "
        f"video/x-raw(memory:NVMM), width={config.width}, height={config.height}, "
        f"framerate={max(1, round(config.rate))}/1, format=NV12 ! "
        "nvvidconv ! video/x-raw, format=BGRx ! videoconvert ! video/x-raw, format=BGR ! "
        "appsink drop=true max-buffers=1 sync=false"
    )


_STREAM_SECONDS = 4  # until an address that does not answer is given up
# Read by OpenCV when it is loaded and when it opens a stream. Its messages quote addresses, passwords too.
_ENVIRONMENT = {
    "OPENCV_LOG_LEVEL": "SILENT",
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
    # UDP loses packets and so parts of pictures. FFmpeg's own time-out is in microseconds.
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": f"rtsp_transport;tcp|stimeout;{_STREAM_SECONDS}000000",
}
_LIBRARY_MISSING = (
    "Install the library it names (apt install libgl1 libglib2.0-0), or use opencv-python-headless."
)
_SLOWEST, _FASTEST = 0.01, 240.0  # pictures a second; who says else does not know
_LONGEST_TICK = 0.1  # seconds
_LONGEST_PAUSE = 60.0  # seconds between two pictures of a video
_WARM_UP = 10  # pictures; the first ones of many sensors are black or green
_BROKEN = 60  # pictures in a row, then it is no camera that can be used


def library() -> Any:
    """OpenCV. Raises MissingDependencyError, and CaptureError when it is there but cannot be loaded."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    cv2 = require_native("cv2", "camera", _LIBRARY_MISSING)
    logging = getattr(getattr(cv2, "utils", None), "logging", None)
    if logging is not None:  # another may have loaded it before
        logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    return cv2


def has(cv2: Any, part: str) -> bool:
    """Whether OpenCV was built with GStreamer, FFMPEG, or another part that its build information names."""
    match = re.search(rf"^\s*{part}:\s*(\w+)", cv2.getBuildInformation(), re.MULTILINE | re.IGNORECASE)
    return match is not None and match[1].upper() == "YES"


def check(cv2: Any, spec: Usb | Csi | Network) -> None:
    """Raises CaptureError when the installed OpenCV does not support cameras of this kind."""
    which = f"OpenCV {cv2.__version__} in {Path(cv2.__file__).parent}"
    message = lacking_message(spec, which, gstreamer=has(cv2, "GStreamer"), ffmpeg=has(cv2, "FFMPEG"))
    if message:
        raise CaptureError(message)


class LiveStream:
    """A device or stream. Raises CaptureError when it does not open."""

    def __init__(self, cv2: Any, spec: Usb | Csi | Network, config: CameraConfig) -> None:
        self._cv2, began = cv2, time.monotonic()
        with _errors(cv2):
            self._capture = _open_capture(cv2, spec, config)
        if not self._capture.isOpened():
            raise CaptureError(absent_message(spec))
        self._warming = _WARM_UP
        self._backlog = Backlog(_rate(cv2, self._capture, config.rate), began)
        # On Linux the driver reports capture times, by our clock.
        self._says_when = self._capture.getBackendName() == "V4L2"

    def read(self) -> Captured | None:
        """The next whole picture that is not an old one from a buffer. Raises CaptureError without one."""
        with _errors(self._cv2):
            for _ in range(_BROKEN):
                came = self._grab()
                rgb = _rgb(self._cv2, *self._capture.retrieve())
                self._warming -= 1
                if rgb is not None and not (self._warming > 0 and _is_unexposed(rgb)):
                    taken = self._taken(came)
                    return Captured(rgb, taken, time.time() - (time.monotonic() - taken))
        raise CaptureError("The camera gives pictures that cannot be used. Plug it in again, or use another.")

    def close(self) -> None:
        self._capture.release()

    def _grab(self) -> float:
        """Fetch the next new picture without decoding it; returns when it came."""
        while True:
            asked = time.monotonic()
            if not self._capture.grab():
                raise CaptureError("The camera gives no pictures any more. Check its cable or its address.")
            came = time.monotonic()
            if not self._backlog.is_old(asked, came):
                return came

    def _taken(self, came: float) -> float:
        """When the picture was taken: the driver's time if it is plausible, else when it came."""
        if not self._says_when:
            return came
        reported = float(self._capture.get(self._cv2.CAP_PROP_POS_MSEC)) / 1000.0
        return reported if came - 5.0 < reported <= came else came


class VideoReel:
    """A video file, each picture at its own time, or `rate` a second. Raises CaptureError if it is none."""

    def __init__(self, cv2: Any, path: Path, rate: float) -> None:
        self._cv2, self._path = cv2, path.absolute()  # FFmpeg could take another for the name of a protocol
        self._rewound()
        self._period = 1.0 / _rate(cv2, self._capture, rate)
        self._pause = self._period  # between the last two
        self.tick = min(_LONGEST_TICK, self._period)

    def at(self, seconds: float) -> ReelPicture | None:
        with _errors(self._cv2):
            while self._more and (self._due <= seconds + 1e-6 or self._current is None):
                self._show_next()
        if self._current is None:
            raise CaptureError(f"There is no picture in {self._path}. Give another file.")
        return self._current if self._more or seconds + 1e-6 < self._due else None

    def rewind(self) -> None:
        """See `Reel.rewind`. It is opened again, since not every file can be wound back."""
        self._capture.release()
        self._rewound()

    def _rewound(self) -> None:
        self._capture = self._open()
        self._current: ReelPicture | None = None
        self._due = self._stamp = 0.0  # of the picture that comes next, or of the end
        with _errors(self._cv2):
            self._more = bool(self._capture.grab())
            self._stamp = self._reported()

    def close(self) -> None:
        self._capture.release()

    def _open(self) -> Any:
        api = self._cv2.CAP_FFMPEG if has(self._cv2, "FFMPEG") else self._cv2.CAP_ANY
        with _errors(self._cv2):
            capture = self._cv2.VideoCapture(str(self._path), api)
        if not capture.isOpened():
            raise CaptureError(f"{self._path} is not a video that can be played. Give another file.")
        return capture

    def _show_next(self) -> None:
        """Show the picture that was fetched, and fetch another, since only that says until when."""
        rgb = _rgb(self._cv2, *self._capture.retrieve())
        if rgb is not None:  # else the picture before it stays
            self._current = ReelPicture(rgb)
        self._more = bool(self._capture.grab())
        if self._more:
            before, self._stamp = self._stamp, self._reported()
            self._pause = frame_pause(before, self._stamp, self._period)
        # The last one is shown as long as the one before it.
        self._due += self._pause

    def _reported(self) -> float:
        return float(self._capture.get(self._cv2.CAP_PROP_POS_MSEC)) / 1000.0


def frame_pause(before: float, now: float, period: float) -> float:
    """Seconds between two pictures of a video by their own times, which differ where its rate does.

    `period` where they say nothing: raw streams have none, and damaged ones jump.
    """
    return now - before if 0.0 < now - before <= _LONGEST_PAUSE else period


def _open_capture(cv2: Any, spec: Usb | Csi | Network, config: CameraConfig) -> Any:
    if isinstance(spec, Csi):
        return cv2.VideoCapture(pipeline(spec.sensor, config), cv2.CAP_GSTREAMER)
    if isinstance(spec, Network):
        timeouts = ("CAP_PROP_OPEN_TIMEOUT_MSEC", "CAP_PROP_READ_TIMEOUT_MSEC")  # from OpenCV 4.5.2 on
        pairs = [(getattr(cv2, name), 1000 * _STREAM_SECONDS) for name in timeouts if hasattr(cv2, name)]
        # With its backend named, since those that are tried before it print the address.
        return cv2.VideoCapture(spec.address, cv2.CAP_FFMPEG, [value for pair in pairs for value in pair])
    capture = cv2.VideoCapture(spec.device, cv2.CAP_V4L2 if sys.platform.startswith("linux") else cv2.CAP_ANY)
    settings = (
        (cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*"MJPG")),  # raw pictures are too many bytes for USB 2
        (cv2.CAP_PROP_FRAME_WIDTH, config.width),
        (cv2.CAP_PROP_FRAME_HEIGHT, config.height),
        (cv2.CAP_PROP_FPS, config.rate),
        (cv2.CAP_PROP_BUFFERSIZE, 1),
    )
    for name, value in settings:
        capture.set(name, value)  # a camera may refuse settings
    return capture


def _rate(cv2: Any, capture: Any, default: float) -> float:
    reported = float(capture.get(cv2.CAP_PROP_FPS))
    return reported if _SLOWEST <= reported <= _FASTEST else default


def _rgb(cv2: Any, valid: bool, picture: Any) -> Rgb | None:
    """OpenCV's picture, also grey or with alpha, as uint8 [h, w, 3] RGB; None if it is unusable."""
    if not valid or picture is None or picture.size == 0:
        return None
    codes = {1: cv2.COLOR_GRAY2RGB, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGB}
    code = codes.get(1 if picture.ndim == 2 else picture.shape[2])
    return None if code is None else cv2.cvtColor(picture, code)


def _is_unexposed(rgb: Rgb) -> bool:
    return bool(blankness(rgb)) and bool((rgb == rgb[0, 0]).all())


@contextlib.contextmanager
def _errors(cv2: Any) -> Iterator[None]:
    """OpenCV's own errors as ours, without their text: it may quote an address."""
    try:
        yield
    except cv2.error as error:
        raise CaptureError("OpenCV cannot read the camera. Unplug it and plug it in again.") from error
