"""Make a camera of a source. Errors that waiting cannot cure (a library, a file) are raised at once."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from capture import opencv
from capture.camera import Camera
from capture.camera_watch import Patience, Status
from capture.picture import Opener, Source
from capture.player import Player
from capture.sources import oak, realsense
from capture.sources.folder import frames_of, is_picture, is_recording, pictures_of
from capture.sources.snapshots import open_address
from capture.sources.stills import Still, Stills
from capture.spec import DepthCamera, Network, OnDisk, Openable, Spec, parse
from core.errors import CaptureError
from core.sections import CameraConfig

MAX_PIXELS = 50_000_000


def spec_of(config: CameraConfig) -> Spec:
    """The configured source with its credentials. Raises CaptureError."""
    return parse(config.source, config.user, config.password.get_secret_value())


def camera_of(
    spec: Openable,
    config: CameraConfig,
    tell: Callable[[Status], None] = lambda status: None,
    max_pixels: int = MAX_PIXELS,
) -> Camera:
    """A camera, not yet started. `tell`: see `Camera`. Picture files beyond `max_pixels` are refused.

    Raises MissingDependencyError without a library; CaptureError when it does not support the source, or a
    file or folder is missing or has no pictures. A device may be missing, and come later.
    """
    # The makers' packages search for devices for up to a quarter of a minute.
    opening = 30.0 if isinstance(spec, DepthCamera) else Patience.opening
    patience = Patience(opening, config.stalled_seconds, longest_pause=config.longest_pause_seconds)
    return Camera(spec.shown, opener_of(spec, config, max_pixels), patience, tell)


def opener_of(spec: Openable, config: CameraConfig, max_pixels: int = MAX_PIXELS) -> Opener:
    """The opener of a source. Raises as `camera_of` does."""
    if isinstance(spec, OnDisk):
        return _on_disk(spec.path, config, max_pixels)
    if isinstance(spec, DepthCamera):
        if spec.maker == "oak":
            return partial(oak.Oak, oak.library(), config)
        return partial(realsense.RealSense, realsense.library(), config)
    cv2 = opencv.library()
    opencv.check(cv2, spec)
    live = partial(opencv.LiveStream, cv2, spec, config)
    return partial(open_address, spec, max_pixels, live) if isinstance(spec, Network) else live


def _on_disk(path: Path, config: CameraConfig, max_pixels: int) -> Opener:
    if not path.exists():
        raise CaptureError(
            f"There is no camera, file or folder {path}. Correct camera.source: 0, csi:0, rtsp://HOST/PATH, "
            "realsense, oak, demo, or the path of a video, a folder of pictures or a recorded session."
        )
    if path.is_dir() or is_picture(path):
        return partial(_stills, *_pictures(path, config.picture_seconds), path, config.repeat, max_pixels)
    cv2 = opencv.library()
    opencv.VideoReel(cv2, path, config.rate).close()  # says now if it is none
    return partial(_video, cv2, path, config)


def _pictures(path: Path, seconds: float) -> tuple[list[Still], float]:
    if not path.is_dir():
        return [Still(path, 0.0)], seconds
    return frames_of(path, seconds) if is_recording(path) else pictures_of(path, seconds)


def _stills(stills: list[Still], seconds: float, path: Path, repeat: bool, max_pixels: int) -> Source:
    return Player(Stills(stills, seconds, str(path), max_pixels), repeat)


def _video(cv2: object, path: Path, config: CameraConfig) -> Source:
    return Player(opencv.VideoReel(cv2, path, config.rate), config.repeat)
