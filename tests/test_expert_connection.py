"""On a connection, before anybody has said who they are, nothing lasts and nothing grows."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
import pytest
from tiny_server import TOKEN, Echo, running, small_application

from expert import connection
from expert.door import host_name
from expert.serve import ServerOptions

_HALF = b"POST /v1/answers HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
_STALLED = b"POST /v1/answers HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf"


@pytest.fixture
def address() -> Iterator[str]:
    with small_application(Echo(), TOKEN) as app, running(app) as address:
        yield address


def _open(address: str, sent: bytes) -> socket.socket:
    place = urlsplit(address)
    opened = socket.create_connection((place.hostname, place.port), timeout=5)
    opened.sendall(sent)
    return opened


def _ends(opened: socket.socket) -> bytes:
    """What comes until the other side hangs up."""
    received = b""
    try:
        while data := opened.recv(65536):
            received += data
    except ConnectionError:
        pass
    return received


def test_an_endless_header_is_cut_off(address: str) -> None:
    with _open(address, _HALF) as opened:
        sent = 0
        with pytest.raises(OSError):  # hung up on while it sends
            while sent < 200_000_000:
                sent += opened.send(b"a" * 65536)
        assert sent < 50_000_000


@pytest.mark.parametrize("sent", [b"", _HALF, _STALLED])
def test_who_stalls_is_dropped(address: str, sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEADER_SECONDS", 0.5)
    monkeypatch.setattr(connection, "BODY_SECONDS", 0.5)
    with small_application(Echo()) as app, running(app) as slow, _open(slow, sent) as opened:
        began = time.monotonic()
        _ends(opened)
        assert time.monotonic() - began < 4


def test_who_stalls_makes_room_for_who_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "most_connections", lambda: 20)
    with small_application(Echo()) as app, running(app) as address, ExitStack() as stalled:
        for number in range(60):
            stalled.enter_context(_open(address, _HALF if number % 2 else _STALLED))
        for _ in range(5):
            assert httpx.get(f"{address}/v1/models").status_code == 200


def test_a_whole_request_is_not_hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEADER_SECONDS", 0.3)
    monkeypatch.setattr(connection, "BODY_SECONDS", 0.3)
    question = {"model": "tiny", "messages": [{"role": "user", "content": "hi"}]}
    echo = Echo(lambda batch: time.sleep(1))
    with small_application(echo) as app, running(app) as address, httpx.Client(base_url=address) as client:
        for _ in range(2):  # the second on the same connection, after a pause
            assert client.post("/v1/chat/completions", json=question).status_code in (200, 422)
            time.sleep(0.6)


def test_a_body_without_a_token_is_not_read(address: str) -> None:
    head = b"POST /v1/answers HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    with _open(address, head) as opened:
        assert b" 401 " in _ends(opened)


def test_a_length_of_thousands_of_digits_is_refused(address: str) -> None:
    head = b"POST /v1/answers HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n" % TOKEN.encode()
    with _open(address, head + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n") as opened:
        assert _ends(opened).split(b" ", 2)[1] in (b"400", b"413")


def test_nobody_evades_the_rate_by_saying_who_they_are() -> None:
    with small_application(Echo(), rate=1.0) as app, running(app) as address:
        codes = [
            httpx.get(f"{address}/v1/models", headers={"X-Forwarded-For": f"10.0.0.{number}"}).status_code
            for number in range(5)
        ]
    assert codes[0] == 200 and set(codes[1:]) == {429}


@pytest.mark.parametrize("path", ["/metrics", "/v1/models", "/healthz"])
def test_a_name_that_leads_here_does_not_let_web_pages_in(path: str) -> None:
    hosts = ServerOptions("tiny").allowed_hosts
    with small_application(Echo(), hosts=hosts) as app, running(app) as address:
        assert httpx.get(address + path, headers={"Host": "evil.example"}).status_code == 421
        assert httpx.get(address + path, headers={"Host": "localhost:8765"}).status_code == 200
        assert httpx.get(address + path).status_code == 200
    assert not ServerOptions("tiny", host="0.0.0.0", token=TOKEN).allowed_hosts


def test_names_are_read_with_and_without_ports() -> None:
    named = {"LocalHost:80": "localhost", "[::1]:8765": "::1", "[::1]": "::1", "a.b": "a.b", "": ""}
    assert {header: host_name(header) for header in named} == named
