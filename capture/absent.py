"""Explain why a camera does not open: missing, forbidden, in use, or unsupported by this OpenCV."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from capture.spec import Csi, Network, Usb

_DEVICES = Path("/dev")
# A wheel's OpenCV hides the one that JetPack ships, and no wheel has GStreamer.
_NO_GSTREAMER = (
    "A CSI camera needs GStreamer, and {which} was built without it. Use the one of JetPack: "
    "pip uninstall opencv-python opencv-python-headless; apt install python3-opencv; "
    "make the environment with --system-site-packages."
)
_NO_FFMPEG = (
    "A camera with an address needs FFmpeg, and {which} was built without it. "
    "Install one that has it: pip install opencv-python-headless."
)


def absent_message(spec: Usb | Csi | Network) -> str:
    """The message for a camera that did not open."""
    if isinstance(spec, Network):
        return (
            f"The camera at {spec.shown} is not reached, or refuses. "
            "Check its address, the name and password, and the network."
        )
    if isinstance(spec, Csi):
        return (
            f"The CSI camera {spec.sensor} does not open. Check its ribbon cable, then: "
            "sudo systemctl restart nvargus-daemon."
        )
    if not sys.platform.startswith("linux"):
        return f"The camera {spec.device} does not open. Plug it in, and allow this program to use cameras."
    device = device_file(spec)
    others = [path for path in sorted(_DEVICES.glob("video*")) if path != device]
    return missing_message(device, device.exists(), os.access(device, os.R_OK | os.W_OK), others)


def device_file(spec: Usb) -> Path:
    """The device file on Linux."""
    return _DEVICES / f"video{spec.device}" if isinstance(spec.device, int) else Path(spec.device)


def missing_message(device: Path, exists: bool, allowed: bool, others: Sequence[Path]) -> str:
    """The message for a device file on Linux; `others` exist."""
    if not exists:
        list_of_others = f" There is {', '.join(map(str, others))}." if others else ""
        return (
            f"There is no camera at {device}.{list_of_others} Plug it in, or set camera.source; "
            f"a container must be started with --device {device}."
        )
    if not allowed:
        return (
            f"This user may not open {device}. Join the group video (sudo usermod -aG video $USER), "
            "then log in again."
        )
    return f"{device} does not open. Close other programs that use it, or try the next number."


def lacking_message(spec: Usb | Csi | Network, which: str, *, gstreamer: bool, ffmpeg: bool) -> str:
    """The message for what the OpenCV that `which` names lacks for such a camera, or ""."""
    if isinstance(spec, Csi) and not gstreamer:
        return _NO_GSTREAMER.format(which=which)
    if isinstance(spec, Network) and not ffmpeg:
        return _NO_FFMPEG.format(which=which)
    return ""
