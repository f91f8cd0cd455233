"""Cameras whose web address gives one picture a request: doorbells, ESP32-CAM, pages called snapshot."""

import io
import time
from dataclasses import dataclass

import httpx
import numpy as np

from capture.picture import Captured, Opener, Source
from capture.spec import Network
from core.errors import CaptureError, ImageError
from core.pictures import read_picture

_PAUSE = 0.5  # seconds between two requests
_SECONDS = 3.0  # for an answer; a still that takes longer is a stream
_LARGEST = 20_000_000  # bytes of a still
_TRIES = 3  # pictures in a row that cannot be used
_STILLS = (b"\xff\xd8\xff", b"\x89PNG")


@dataclass(frozen=True)
class Reply:
    """What an address gives: `kind` is its media type, `data` all of it, None where it does not end."""

    status: int
    kind: str
    data: bytes | None


class Page:
    """An address that is asked again and again, with the login in it."""

    def __init__(self, address: str) -> None:
        url = httpx.URL(address)
        self._url = url.copy_with(userinfo=b"")  # what it logs shows no password
        self._login = (url.username, url.password)
        # Cameras sign their certificates themselves, and FFmpeg does not ask either.
        self._client = httpx.Client(
            timeout=_SECONDS, verify=False, trust_env=False, follow_redirects=True,
            auth=self._login if url.userinfo else None,
        )  # fmt: skip

    def get(self) -> Reply:
        """Ask once, or twice where it wants a login as digest. Raises httpx.HTTPError."""
        reply, wants = self._ask()
        if reply.status == 401 and "digest" in wants.lower():
            self._client.auth = httpx.DigestAuth(*self._login)
            reply, _ = self._ask()
        return reply

    def close(self) -> None:
        self._client.close()

    def _ask(self) -> tuple[Reply, str]:
        with self._client.stream("GET", self._url) as response:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            data = None if kind.startswith(("multipart/", "video/")) else _whole(response)
            return Reply(response.status_code, kind, data), response.headers.get("www-authenticate", "")


def _whole(response: httpx.Response) -> bytes | None:
    """All of a body; None when it does not end in time."""
    data, until = bytearray(), time.monotonic() + _SECONDS
    for piece in response.iter_bytes():
        data += piece
        if len(data) > _LARGEST or time.monotonic() > until:
            return None
    return bytes(data)


def refusal(reply: Reply, shown: str) -> str:
    """Why an address that answers gives no pictures, with a remedy, or ""."""
    if reply.status in (401, 403):
        return f"{shown} wants another login ({reply.status}). Set camera.user and camera.password."
    if reply.status in (404, 410):
        return f"There is nothing at {shown} ({reply.status}). Correct the path in camera.source."
    if reply.kind == "text/html" and reply.data is not None:
        return (
            f"{shown} is a web page, no picture or stream. Set camera.source to the address that "
            "the camera's manual names for those, often rtsp://HOST:554/PATH or http://HOST/snapshot.jpg."
        )
    return ""


def is_still(reply: Reply) -> bool:
    """Whether it is one picture, whatever it is called."""
    if reply.data is None or reply.status != 200:
        return False
    return reply.kind.startswith("image/") or reply.data.startswith(_STILLS)


def open_address(spec: Network, max_pixels: int, stream: Opener) -> Source:
    """A camera that gives one picture a request, or what `stream` opens. Raises CaptureError."""
    if not spec.address.lower().startswith("http"):
        return stream()
    page = Page(spec.address)
    try:
        reply = page.get()
    except httpx.HTTPError:
        reply = Reply(0, "", None)  # not quite a web server, or none
    if is_still(reply):
        return Snapshots(page, reply, spec.shown, max_pixels)
    page.close()
    if reason := refusal(reply, spec.shown):
        raise CaptureError(reason)
    return stream()


class Snapshots:
    """A slow camera: a page that gives another picture at each request, `first` the one that it gave."""

    def __init__(self, page: Page, first: Reply, shown: str, max_pixels: int) -> None:
        self._page, self._shown, self._max_pixels = page, shown, max_pixels
        self._reply: Reply | None = first
        self._asked = time.monotonic()

    def read(self) -> Captured | None:
        """The next picture; a few that are broken are passed over. Raises CaptureError when none comes."""
        failure: Exception | None = None
        for _ in range(_TRIES):
            try:
                return self._picture(self._next())
            except (httpx.HTTPError, ImageError) as error:
                failure = error
        raise CaptureError(_gone(self._shown)) from failure

    def close(self) -> None:
        self._page.close()

    def _next(self) -> Reply:
        first, self._reply = self._reply, None
        if first is not None:
            return first
        time.sleep(max(0.0, self._asked + _PAUSE - time.monotonic()))
        self._asked = time.monotonic()
        return self._page.get()

    def _picture(self, reply: Reply) -> Captured:
        if not is_still(reply):
            raise CaptureError(refusal(reply, self._shown) or _gone(self._shown))
        picture = read_picture(io.BytesIO(reply.data or b""), "its picture", self._max_pixels)
        return Captured(np.asarray(picture), time.monotonic(), time.time())


def _gone(shown: str) -> str:
    return f"The camera at {shown} gives no whole picture any more. Check that it is on, and the network."
