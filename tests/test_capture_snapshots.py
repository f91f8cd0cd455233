"""Cameras that give one picture a request, over real connections."""

import http.server
import io
import threading
from collections.abc import Callable, Iterator

import pytest
from PIL import Image

from capture.picture import Captured, Source
from capture.sources.snapshots import Reply, Snapshots, is_still, open_address, refusal
from capture.spec import Network
from core.errors import CaptureError

Answer = tuple[int, dict[str, str], bytes]


def _jpeg(shade: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (64, 48), shade).save(buffer, "JPEG")
    return buffer.getvalue()


class Web(http.server.ThreadingHTTPServer):
    """Answers each request as it is told to, and keeps what login came."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer: Callable[[int], Answer] = lambda count: (404, {}, b"")
        self.logins: list[str] = []

    def network(self, login: str = "") -> Network:
        return Network(f"http://{login}127.0.0.1:{self.server_port}/snapshot.jpg")


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        web = self.server
        assert isinstance(web, Web)
        web.logins.append(self.headers.get("Authorization", ""))
        status, headers, data = web.answer(len(web.logins))
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setattr("capture.sources.snapshots._PAUSE", 0.0)
    made = Web()
    threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


class Stream:
    """What opens where the address gives no still."""

    def read(self) -> Captured | None:
        return None

    def close(self) -> None:
        pass


def _open(spec: Network) -> Source:
    return open_address(spec, 1_000_000, Stream)


def _shade(source: Source) -> int:
    captured = source.read()
    assert captured is not None
    return int(captured.rgb[0, 0, 0])


@pytest.mark.parametrize("kind", ["image/jpeg", "application/octet-stream", "text/plain"])
def test_an_address_with_one_picture_is_asked_again_and_again(web: Web, kind: str) -> None:
    web.answer = lambda count: (200, {"Content-Type": kind}, _jpeg(10 * count))
    camera = _open(web.network())
    assert [_shade(camera) for _ in range(3)] == [10, 20, 30]
    camera.close()


def test_a_picture_that_is_cut_off_is_passed_over_and_at_last_said(web: Web) -> None:
    broken = {2}
    web.answer = lambda count: (200, {}, _jpeg(10 * count)[: 300 if count in broken else None])
    camera = _open(web.network())
    assert [_shade(camera) for _ in range(2)] == [10, 30]
    broken.update(range(99))
    with pytest.raises(CaptureError, match="gives no whole picture any more"):
        camera.read()
    camera.close()


@pytest.mark.parametrize(
    ("status", "kind", "remedy"),
    [
        (401, "text/html", "camera.password"),
        (403, "image/jpeg", "camera.password"),
        (404, "text/html", "Correct the path"),
        (200, "text/html", "web page"),
    ],
)
def test_what_gives_no_picture_is_said_with_what_helps(web: Web, status: int, kind: str, remedy: str) -> None:
    web.answer = lambda count: (status, {"Content-Type": kind}, b"<html>")
    with pytest.raises(CaptureError, match=remedy) as caught:
        _open(web.network("me:secret@"))
    assert "secret" not in str(caught.value)


def test_streams_and_what_is_no_web_server_are_opened_as_before(web: Web) -> None:
    web.answer = lambda count: (200, {"Content-Type": "multipart/x-mixed-replace; boundary=a"}, b"--a")
    assert isinstance(_open(web.network()), Stream)
    web.answer = lambda count: (503, {}, b"busy")
    assert isinstance(_open(web.network()), Stream)
    assert isinstance(_open(Network("http://127.0.0.1:9/a.jpg")), Stream)
    assert isinstance(_open(Network("rtsp://127.0.0.1:9/live")), Stream)
    assert not is_still(Reply(200, "image/jpeg", None)) and not refusal(Reply(200, "text/html", None), "it")


@pytest.mark.parametrize(
    ("asks", "gets"), [("Basic", "Basic bWU6c2VjcmV0"), ("Digest", 'Digest username="me"')]
)
def test_the_login_is_given_as_the_camera_wants_it(web: Web, asks: str, gets: str) -> None:
    wants = {"WWW-Authenticate": f'{asks} realm="a", nonce="b", qop="auth"'}
    web.answer = lambda count: (200, {}, _jpeg(50)) if web.logins[-1].startswith(gets) else (401, wants, b"")
    camera = _open(web.network("me:secret@"))
    assert isinstance(camera, Snapshots) and _shade(camera) == _shade(camera) == 50
    camera.close()
