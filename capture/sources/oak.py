"""Luxonis OAK cameras: colours and distances of the same instant, through depthai 3."""

import datetime
import os
import time
from typing import Any

import numpy as np

from capture.picture import Captured
from core.errors import CaptureError
from core.extras import require_native
from core.sections import CameraConfig

_WAIT = datetime.timedelta(seconds=2)
_LIBRARY_MISSING = "Install the library it names (apt install libusb-1.0-0)."
_OLD = "OAK cameras need depthai 3, an older one is installed. Install it: pip install 'depthai>=3'."
_ABSENT = "No OAK camera gives pictures ({error}). Plug it into a USB 3 port, and install its udev rule."


def library() -> Any:
    """The maker's package. Raises MissingDependencyError, and CaptureError if it is unusable."""
    os.environ.setdefault("DEPTHAI_LEVEL", "off")  # it would write on the screen
    dai = require_native("depthai", "oak", _LIBRARY_MISSING)
    if not hasattr(dai.node, "Camera") or not hasattr(dai.node.Camera, "requestOutput"):
        raise CaptureError(_OLD)
    return dai


class Oak:
    """An OAK camera with two eyes beside the coloured one. Raises CaptureError when there is none."""

    def __init__(self, dai: Any, config: CameraConfig) -> None:
        try:
            self._pipeline = dai.Pipeline()
            self._queue = _synchronised_queue(dai, self._pipeline, config)
            self._pipeline.start()
        except RuntimeError as error:
            raise CaptureError(_ABSENT.format(error=error)) from error

    def read(self) -> Captured | None:
        """The next picture with the distances of each of its pixels. Raises CaptureError when none comes."""
        try:
            group = self._queue.get(_WAIT)
        except RuntimeError as error:
            raise CaptureError(_ABSENT.format(error=error)) from error
        if group is None:
            raise CaptureError(_ABSENT.format(error="nothing for 2 s"))
        color, depth = group["rgb"], group["depth"]
        now = time.monotonic()
        taken = min(now, color.getTimestamp().total_seconds())  # of the same clock
        taken = taken if now - taken < 5.0 else now
        rgb = np.array(color.getFrame(), dtype=np.uint8)
        return Captured(rgb, taken, time.time() - (now - taken), np.array(depth.getFrame(), dtype=np.uint16))

    def close(self) -> None:
        self._pipeline.stop()


def _synchronised_queue(dai: Any, pipeline: Any, config: CameraConfig) -> Any:
    """Colours, distances seen from where the colours are seen, and both of one instant in a queue of one."""
    size = (config.width, config.height)
    camera = pipeline.create(dai.node.Camera).build(dai.CameraBoardSocket.CAM_A)
    color = camera.requestOutput(size, dai.ImgFrame.Type.RGB888i, fps=config.rate, enableUndistortion=True)
    stereo = pipeline.create(dai.node.StereoDepth).build(autoCreateCameras=True, fps=config.rate)
    stereo.setOutputSize(*size)
    color.link(stereo.inputAlignTo)
    both = pipeline.create(dai.node.Sync)
    both.setSyncThreshold(datetime.timedelta(seconds=0.5 / config.rate))
    color.link(both.inputs["rgb"])
    stereo.depth.link(both.inputs["depth"])
    return both.out.createOutputQueue(maxSize=1, blocking=False)
