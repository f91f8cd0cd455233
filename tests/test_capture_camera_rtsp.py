"""A camera with an address, through the OpenCV that is installed, from a server on the loopback.

It speaks as much RTSP as is needed, asks for a password, and can fall silent, catch up, and go away.
"""

import base64
import contextlib
import io
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL import Image
from pydantic import SecretStr

from capture.camera import Camera
from capture.camera_watch import CameraOpened, Status
from capture.device import DeviceBack, Lost
from capture.sources.choosing import camera_of, spec_of
from capture.spec import Network
from core.errors import CaptureError
from core.sections import CameraConfig

pytest.importorskip("cv2")
USER, PASSWORD = "me", "p@ss/w: rd"
RATE = 20.0
LONG = 120.0


def jpeg(shade: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), (shade, shade, shade)).save(buffer, "JPEG", quality=90, subsampling="4:2:0")
    return buffer.getvalue()


def packets(data: bytes, ticks: int, start: int) -> Iterator[bytes]:
    """A JPEG of 64 x 48 pixels as RTP (RFC 2435), its quantisation tables with it."""
    tables = b"".join(part[5:] for part in re.findall(rb"\xff\xdb\x00\x43.{65}", data, re.DOTALL))
    scan = data.index(b"\xff\xda")
    body = data[scan + 2 + struct.unpack(">H", data[scan + 2 : scan + 4])[0] : -2]
    pieces = [body[place : place + 1000] for place in range(0, len(body), 1000)]
    for number, piece in enumerate(pieces):
        last = number == len(pieces) - 1
        header = struct.pack(">BBHII", 0x80, 26 | (0x80 if last else 0), (start + number) & 0xFFFF, ticks, 1)
        place = struct.pack(">I", number * 1000)[1:]
        kind = b"\0" + place + bytes([1, 255, 64 // 8, 48 // 8])
        first = struct.pack(">BBH", 0, 0, len(tables)) + tables if number == 0 else b""
        yield header + kind + first + piece


class Server:
    """Shows a shade that grows by one with every picture: what is seen says when it was made."""

    def __init__(self, port: int = 0) -> None:
        self.silent, self.gone = threading.Event(), threading.Event()
        self.refused = 0
        self.shown = 0
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as lines:
                while not self.gone.is_set():
                    request = lines.readline().decode()
                    if not request:
                        return
                    fields = dict(
                        line.decode().strip().split(": ", 1) for line in iter(lines.readline, b"\r\n")
                    )
                    connection.sendall(self.answer(request.split()[0], fields).encode())
                    if request.startswith("PLAY"):
                        self.play(connection)
        except OSError:
            return

    def answer(self, verb: str, fields: dict[str, str]) -> str:
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if verb != "OPTIONS" and fields.get("Authorization") != f"Basic {login}":
            self.refused += 1
            return (
                f'RTSP/1.0 401 No\r\nCSeq: {fields["CSeq"]}\r\nWWW-Authenticate: Basic realm="room"\r\n\r\n'
            )
        text = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=room\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\n"
        text += f"a=framerate:{RATE}\r\na=control:one\r\n" if verb == "DESCRIBE" else ""
        more = {
            "OPTIONS": "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n",
            "DESCRIBE": f"Content-Type: application/sdp\r\nContent-Length: {len(text)}\r\n",
            "SETUP": "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n",
            "PLAY": "Session: 1\r\n",
        }
        body = text if verb == "DESCRIBE" else ""
        return f"RTSP/1.0 200 OK\r\nCSeq: {fields['CSeq']}\r\n{more.get(verb, '')}\r\n{body}"

    def play(self, connection: socket.socket) -> None:
        """Pictures in real time. What was made in a silence comes after it, all at once."""
        sent = began = time.monotonic()
        sequence = 0
        while not self.gone.is_set():
            sent += 1 / RATE
            time.sleep(max(0.0, sent - time.monotonic()))
            while self.silent.is_set() and not self.gone.is_set():
                time.sleep(0.01)
            self.shown += 1
            for packet in packets(jpeg(self.shown % 250), int(90_000 * (sent - began)), sequence):
                connection.sendall(b"$\0" + struct.pack(">H", len(packet)) + packet)
                sequence += 1

    def close(self) -> None:
        self.gone.set()
        self.silent.clear()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes who waits for a connection
        self.listener.close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def camera(port: int, told: list[Status], password: str = PASSWORD, stalled: float = 60.0) -> Camera:
    spec = spec_of(
        CameraConfig(source=f"rtsp://127.0.0.1:{port}/live", user=USER, password=SecretStr(password))
    )
    assert isinstance(spec, Network)
    return camera_of(spec, CameraConfig(rate=RATE, stalled_seconds=stalled), told.append)


def until(happened: Callable[[], object]) -> None:
    end = time.monotonic() + LONG
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def test_pictures_come_over_tcp_with_the_password_of_the_settings(
    server: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    told: list[Status] = []
    with camera(server.port, told) as seen:
        assert seen.wait(LONG) is not None
        until(lambda: seen.status)
        assert np.asarray(seen.frame(LONG).frame.picture).shape == (48, 64, 3)
    assert told == [CameraOpened(64, 48, depth=False)]
    assert capfd.readouterr() == ("", "")


def test_a_wrong_password_is_said_and_shown_nowhere(
    server: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    told: list[Status] = []
    with camera(server.port, told, "hidden-one") as seen:
        until(lambda: told)
        with pytest.raises(CaptureError) as caught:
            seen.frame(1.0)
    assert server.refused > 0
    assert isinstance(told[0], Lost) and f"rtsp://***@127.0.0.1:{server.port}/live" in told[0].reason
    everything = f"{told} {caught.value} {seen.name} {capfd.readouterr()}"
    assert "hidden" not in everything


def test_after_a_silence_no_picture_is_seen_that_was_made_in_it(server: Server) -> None:
    with camera(server.port, []) as seen:
        assert seen.wait(LONG) is not None
        before = server.shown
        server.silent.set()
        time.sleep(3.0)
        newest = seen.newest()
        assert newest is not None
        server.silent.clear()
        captured = seen.wait(LONG, after=newest.taken)
        assert captured is not None
        # Sixty pictures were made in it and came at once. The first of them would be seen otherwise.
        assert round(float(captured.rgb.mean())) >= before + 40


def test_a_camera_that_goes_away_and_returns_is_seen_again(server: Server) -> None:
    told: list[Status] = []
    with camera(server.port, told, stalled=2.0) as seen:
        assert seen.wait(LONG) is not None
        server.close()
        until(lambda: told and isinstance(told[-1], Lost))
        again = returned(server.port)
        began = time.monotonic()
        until(lambda: isinstance(told[-1], DeviceBack))
        # By the clock of a busy machine; that of `test_capture_camera_watch` is exact.
        assert time.monotonic() - began < 30
        again.close()


def returned(port: int) -> Server:
    """A server where another was, as soon as its connections are gone."""
    end = time.monotonic() + LONG
    while True:
        try:
            return Server(port)
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.05)


@pytest.mark.parametrize("stalled", [0.5])
def test_a_stream_that_falls_silent_is_opened_again(server: Server, stalled: float) -> None:
    told: list[Status] = []
    with camera(server.port, told, stalled=stalled) as seen:
        assert seen.wait(LONG) is not None
        server.silent.set()
        until(lambda: told and isinstance(told[-1], Lost))
        with pytest.raises(CaptureError, match="no picture for"):
            seen.frame(0.1)
        server.silent.clear()
        until(lambda: isinstance(told[-1], DeviceBack))
