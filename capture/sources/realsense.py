"""Intel RealSense cameras: colours and distances of the same instant, through pyrealsense2."""

import time
from typing import Any

import numpy as np

from capture.picture import Captured, Depth
from core.errors import CaptureError
from core.extras import require_native
from core.sections import CameraConfig

_WAIT_MS = 2000
_LIBRARY_MISSING = "Install the library it names (apt install libusb-1.0-0)."
_ABSENT = "No RealSense camera gives pictures ({error}). Plug it into a USB 3 port, and close other programs."


def library() -> Any:
    """The maker's package. Raises MissingDependencyError, or CaptureError when it cannot be loaded."""
    return require_native("pyrealsense2", "realsense", _LIBRARY_MISSING)


class RealSense:
    """A RealSense camera. Raises CaptureError when there is none."""

    def __init__(self, rs: Any, config: CameraConfig) -> None:
        self._pipeline = rs.pipeline()
        try:
            profile = self._pipeline.start(_streams(rs, config))
            scale = profile.get_device().first_depth_sensor().get_depth_scale()
        except RuntimeError as error:
            raise CaptureError(_ABSENT.format(error=error)) from error
        self._millimetres = 1000.0 * float(scale)
        self._align = rs.align(rs.stream.color)

    def read(self) -> Captured | None:
        """The next picture with the distances of each of its pixels. Raises CaptureError when none comes."""
        try:
            frames = self._align.process(self._pipeline.wait_for_frames(_WAIT_MS))
            color, depth = frames.get_color_frame(), frames.get_depth_frame()
            # Copied: the library reuses its memory.
            rgb = np.array(color.get_data(), dtype=np.uint8)
            raw = np.array(depth.get_data(), dtype=np.uint16)
        except RuntimeError as error:
            raise CaptureError(_ABSENT.format(error=error)) from error
        return Captured(rgb, time.monotonic(), time.time(), in_millimetres(raw, self._millimetres))

    def close(self) -> None:
        self._pipeline.stop()


def in_millimetres(raw: Depth, unit: float) -> Depth:
    """Distances uint16 [h, w] in units of so many millimetres, as millimetres; 0 for what is too far."""
    if unit == 1.0:
        return raw
    exact = np.rint(raw.astype(np.float64) * unit)
    return np.where(exact > np.iinfo(np.uint16).max, 0, exact).astype(np.uint16)


def _streams(rs: Any, config: CameraConfig) -> Any:
    streams = rs.config()
    rate = max(1, round(config.rate))
    streams.enable_stream(rs.stream.color, config.width, config.height, rs.format.rgb8, rate)
    streams.enable_stream(rs.stream.depth, rs.format.z16, rate)
    return streams
