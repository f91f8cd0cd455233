"""Parse a camera source: "0", "csi:1", "rtsp://...", a file, a folder; without access to the disk.

Only `Network.address` may hold a name and a password: they are never shown, recorded or in an error.
"""

import re
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from core.errors import CaptureError

# Greedy on purpose: a password may hold any of : / ? @ and white space.
# An address that was parsed as a path has lost a slash.
_CREDENTIALS = re.compile(r"((?:rtsps?|https?):/{1,2}|://).*@", re.DOTALL | re.IGNORECASE)
# Some cameras take the password after the path: ?user=me&password=it, or user=me_password=it_channel=1.
_PARAMETER = re.compile(r"((?:pass|pwd|token|secret|key|auth|credential)[^=&\s]*=)[^&\s]*", re.IGNORECASE)

_SCHEMES = ("rtsp", "rtsps", "http", "https")
_DEVICE = re.compile(r"/dev/(?:video\d{1,3}|v4l/\S+)")
_CSI = re.compile(r"csi(?::(\d))?")


@dataclass(frozen=True)
class Demo:
    """The built-in demo session, which the caller finds."""

    shown = "demo"


@dataclass(frozen=True)
class Usb:
    """A camera the system knows by a number or, on Linux, by a device file."""

    device: int | str

    @property
    def shown(self) -> str:
        return str(self.device)


@dataclass(frozen=True)
class Csi:
    """A camera on a Jetson's own connector, by its number."""

    sensor: int = 0

    @property
    def shown(self) -> str:
        return f"csi:{self.sensor}"


@dataclass(frozen=True)
class Network:
    """A camera with an address, which may hold a password: only the connecting library gets it."""

    address: str = field(repr=False)

    @property
    def shown(self) -> str:
        return mask_credentials(self.address)


@dataclass(frozen=True)
class OnDisk:
    """A video, a folder of pictures, or a recorded session."""

    path: Path

    @property
    def shown(self) -> str:
        return str(self.path)


@dataclass(frozen=True)
class DepthCamera:
    """A depth camera, through its maker's package."""

    maker: Literal["realsense", "oak"]

    @property
    def shown(self) -> str:
        return self.maker


Openable = Usb | Csi | Network | OnDisk | DepthCamera
"""What can be opened here."""
Spec = Demo | Openable
"""What a source can be."""


def parse(text: str, user: str = "", password: str = "") -> Spec:
    """Parse a source; `user` and `password` go into an address without credentials.

    Raises CaptureError, which never repeats an address.
    """
    text = text.strip()
    if not text:
        raise CaptureError("No camera is named. Set camera.source, for example to 0.")
    if "://" in text:
        return Network(_address(text, user, password))
    if text in ("demo", "realsense", "oak"):
        return Demo() if text == "demo" else DepthCamera(text)  # type: ignore[arg-type]  # one of the two
    if text.isascii() and text.isdigit():
        return Usb(_number(text))
    if _DEVICE.fullmatch(text):
        return Usb(text)
    if text.partition(":")[0] == "csi":
        return _csi(text)
    return OnDisk(Path(text))


def mask_credentials(text: str) -> str:
    """The text with all from the first :// to the last @, and secret parameters, masked. Idempotent."""
    return _PARAMETER.sub(r"\1***", _CREDENTIALS.sub(r"\1***@", text))


def _number(text: str) -> int:
    if len(text) > 2:
        raise CaptureError(f"There is no camera number {text[:20]}. Count from 0: camera.source = 0.")
    return int(text)


def _csi(text: str) -> Csi:
    match = _CSI.fullmatch(text)
    if match is None:
        raise CaptureError("A CSI camera is csi or csi:1. Correct camera.source.")
    return Csi(int(match[1] or 0))


def _address(text: str, user: str, password: str) -> str:
    """The checked address with credentials."""
    try:
        parts = urllib.parse.urlsplit(text)
        usable = bool(parts.hostname) and (parts.port is None or parts.port > 0) and text.isprintable()
    except ValueError:
        # Not chained: the cause quotes the address.
        raise CaptureError(f"The camera's address cannot be read. {_EXAMPLE}") from None
    if parts.scheme not in _SCHEMES:
        raise CaptureError(f"A camera's address begins with rtsp://, http:// or https://. {_EXAMPLE}")
    if not usable or " " in text:
        raise CaptureError(
            f"The camera's address has a host or port that cannot be. {_EXAMPLE} "
            "Write / ? # @ : in a password as %2F %3F %23 %40 %3A, or set ROOMWISE_CAMERA__PASSWORD."
        )
    if "@" in parts.netloc or not (user or password):
        return text
    login = f"{urllib.parse.quote(user, safe='')}:{urllib.parse.quote(password, safe='')}"
    return parts._replace(netloc=f"{login}@{parts.netloc}").geturl()


_EXAMPLE = "Correct camera.source: rtsp://HOST:554/PATH."
