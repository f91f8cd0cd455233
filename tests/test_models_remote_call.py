"""A call: how often it is tried, how long it takes, how much it reads."""

from collections.abc import Iterator

import httpx
import pytest
from pydantic import SecretStr
from tiny_caller import Clock, Server, caller

from core.errors import ConfigError, ExpertError
from models.remote.call import LARGEST

TOKEN = "swordfish-0123456789"


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


def test_a_call_is_answered(clock: Clock) -> None:
    server = Server(200)
    ours = caller(server, clock, token=SecretStr(f" {TOKEN}\n"))
    assert ours.post("/path", json={"a": 1}).content == b"body"
    request = server.requests[0]
    assert (request.method, str(request.url)) == ("POST", "https://h/base/path")
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert request.headers["Accept-Encoding"] == "identity"
    assert (ours.budget.calls, ours.budget.bytes) == (1, len(b'{"a":1}') + len(b"body"))
    assert not clock.waits


def test_without_a_token_none_is_sent(clock: Clock) -> None:
    server = Server(200)
    caller(server, clock).post("/")
    assert "Authorization" not in server.requests[0].headers


@pytest.mark.parametrize("token", ["line\nbreak", "é", "\x00", "a\tb"])
def test_a_token_that_would_break_the_request_is_refused_unseen(clock: Clock, token: str) -> None:
    with pytest.raises(ConfigError, match="Set one of letters") as caught:
        caller(Server(200), clock, token=SecretStr(token))
    assert token not in str(caught.value)


@pytest.mark.parametrize(
    "passing",
    [
        429,
        502,
        503,
        504,
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("late"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("gone"),
    ],
)
def test_what_passes_is_tried_again_twice_with_growing_waits(clock: Clock, passing: int | Exception) -> None:
    server = Server(passing, passing, 200)
    assert caller(server, clock).post("/", content=b"x").content == b"body"
    assert [request.read() for request in server.requests] == [b"x"] * 3
    assert len(clock.waits) == 2
    assert 0 <= clock.waits[0] <= 0.5 and 0 <= clock.waits[1] <= 1
    again = Server(passing)
    with pytest.raises(ExpertError):
        caller(again, clock).post("/")
    assert len(again.requests) == 3


@pytest.mark.parametrize("lasting", [400, 401, 404, 413, 422, 500, 301, httpx.ReadTimeout("late")])
def test_what_lasts_is_not(clock: Clock, lasting: int | Exception) -> None:
    server = Server(lasting, 200)
    with pytest.raises(ExpertError):
        caller(server, clock).post("/")
    assert len(server.requests) == 1


def test_files_are_sent_whole_again(clock: Clock) -> None:
    server = Server(503, 200)
    files = {"frame": ("frame.jpg", b"jpeg", "image/jpeg")}
    caller(server, clock).post("/", files=files, data={"ask": "{}"})
    first, second = (request.read() for request in server.requests)
    assert first == second and b"jpeg" in first


def test_a_server_is_left_alone_for_as_long_as_it_wishes(clock: Clock) -> None:
    server = Server(httpx.Response(503, headers={"Retry-After": "3"}), 200)
    caller(server, clock).post("/")
    assert clock.waits == [3.0]
    busy = Server(httpx.Response(503, headers={"Retry-After": "6"}), 200)
    with pytest.raises(ExpertError, match="503"):
        caller(busy, clock).post("/")
    assert clock.waits == [3.0]


def test_no_wait_goes_beyond_the_seconds_there_are(clock: Clock) -> None:
    server = Server(httpx.Response(503, headers={"Retry-After": "3"}))
    with pytest.raises(ExpertError):
        caller(server, clock, seconds=5).post("/")
    assert clock.waits == [3.0]
    assert len(server.requests) == 2


def test_each_attempt_has_what_is_left(clock: Clock) -> None:
    given = []

    def busy(request: httpx.Request) -> httpx.Response:
        given.append(request.extensions["timeout"])
        return httpx.Response(503, headers={"Retry-After": "3"})

    with pytest.raises(ExpertError, match="503"):
        caller(busy, clock, seconds=4, connect_seconds=2).post("/")
    assert given == [
        {"connect": 2, "read": 4, "write": 4, "pool": 4},
        {"connect": 1, "read": 1, "write": 1, "pool": 1},
    ]


def test_a_reply_that_trickles_is_given_up(clock: Clock) -> None:
    def trickle() -> Iterator[bytes]:
        for _ in range(100):
            clock.now += 1
            yield b"x"

    ours = caller(lambda _: httpx.Response(200, content=trickle()), clock, seconds=10)
    with pytest.raises(ExpertError, match=r"does not answer.*took too long"):
        ours.post("/")
    assert clock.now == 1011
    assert (ours.budget.calls, ours.budget.bytes) == (1, 11)


def test_a_reply_that_does_not_end_is_refused_on_the_way(clock: Clock) -> None:
    taken = []

    def endless() -> Iterator[bytes]:
        while True:
            taken.append(1)
            yield bytes(2**20)

    with pytest.raises(ExpertError, match=r"larger than 67,108,864 bytes\. Ask"):
        caller(lambda _: httpx.Response(200, content=endless()), clock).post("/")
    assert len(taken) == LARGEST / 2**20 + 1


def test_what_is_packed_is_not_unpacked(clock: Clock) -> None:
    reply = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"\x1f\x8b"))
    with pytest.raises(ExpertError, match="compressed"):
        caller(Server(reply), clock).post("/")


def test_no_redirection_is_followed(clock: Clock) -> None:
    server = Server(httpx.Response(307, headers={"Location": "https://evil.example/"}), 200)
    with pytest.raises(ExpertError, match=r"has moved \(307\)"):
        caller(server, clock, token=SecretStr(TOKEN)).post("/")
    assert len(server.requests) == 1


def test_the_environment_names_no_proxy(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    server = Server(200)
    caller(server, clock).post("/")
    assert server.requests
