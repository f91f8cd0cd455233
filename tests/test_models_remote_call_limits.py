"""Calls in a row: when a server is left alone, what is spent, and that nothing secret is said."""

import ssl

import httpx
import pytest
from pydantic import SecretStr
from tiny_caller import Clock, Server, caller

from core.errors import ExpertError
from core.sections import ExpertConfig
from models.remote.budget import Budget
from models.remote.failure import CallError

TOKEN = "swordfish-0123456789"


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


def test_a_silent_server_is_left_alone_after_three_failures(clock: Clock) -> None:
    server = Server(httpx.ReadTimeout("late"))
    ours = caller(server, clock)
    for when in ("at the next question", "at the next question", "in 5 s"):
        with pytest.raises(ExpertError, match=f"does not answer; it is tried again {when}"):
            ours.post("/")
    clock.now += 1.5
    with pytest.raises(ExpertError, match="does not answer; it is tried again in 4 s"):
        ours.post("/")
    assert len(server.requests) == 3
    clock.now += 3.5
    with pytest.raises(ExpertError, match="does not answer; it is tried again in 10 s"):
        ours.post("/")
    clock.now += 10
    server.replies = [200]
    ours.post("/")
    ours.post("/")


def test_a_server_that_refuses_is_there(clock: Clock) -> None:
    server = Server(404)
    ours = caller(server, clock)
    for _ in range(5):
        with pytest.raises(ExpertError, match="right address"):
            ours.post("/")
    assert len(server.requests) == 5


@pytest.mark.parametrize("status", [429, 500, 503])
def test_one_that_is_overrun_is_left_alone(clock: Clock, status: int) -> None:
    ours = caller(Server(status), clock)
    for _ in range(3):
        with pytest.raises(CallError):
            ours.post("/")
    with pytest.raises(ExpertError, match="tried again in 5 s"):
        ours.post("/")


def test_what_a_certificate_lacks_is_said_at_once(clock: Clock) -> None:
    error = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
    error.__cause__ = ssl.SSLError()
    server = Server(error)
    with pytest.raises(ExpertError, match="Check address and certificate"):
        caller(server, clock).post("/")
    assert len(server.requests) == 1


def test_the_budget_is_kept(clock: Clock) -> None:
    server = Server(200)
    ours = caller(server, clock, max_calls=5)
    ours.post("/", calls=3)
    with pytest.raises(ExpertError, match=r"expert\.max_calls"):
        ours.post("/", calls=3)
    ours.post("/", calls=2)
    ours.get("/")
    assert len(server.requests) == 3
    assert ours.budget.calls == 5


def test_bytes_are_kept_too(clock: Clock) -> None:
    ours = caller(Server(200), clock, max_bytes=100)
    ours.post("/", content=b"x" * 90)
    with pytest.raises(ExpertError, match=r"expert\.max_bytes"):
        ours.post("/", content=b"x" * 10)
    assert ours.budget.bytes == 94


def test_a_budget_may_have_been_begun(clock: Clock) -> None:
    ours = caller(Server(200), clock, Budget(max_calls=4, calls=4))
    with pytest.raises(ExpertError, match="asked 4 of at most 4"):
        ours.post("/")


@pytest.mark.parametrize(
    ("first", "calls"),
    [(503, 1), (httpx.ConnectError("refused"), 1), (httpx.ReadError("reset"), 2)],
)
def test_what_may_have_been_answered_counts(clock: Clock, first: int | Exception, calls: int) -> None:
    ours = caller(Server(first, 200), clock)
    ours.post("/")
    assert ours.budget.calls == calls


def test_no_further_attempt_overspends(clock: Clock) -> None:
    server = Server(httpx.ReadError("reset"))
    ours = caller(server, clock, max_calls=2)
    with pytest.raises(ExpertError, match="does not answer"):
        ours.post("/")
    assert len(server.requests) == 2
    assert ours.budget.calls == 2


@pytest.mark.parametrize(
    "reply",
    [
        200,
        401,
        403,
        httpx.Response(400, json={"error": {"message": f"bad key {TOKEN}"}}),
        httpx.Response(404, text=TOKEN),
        httpx.Response(500, text=f"{'-' * 195}{TOKEN}"),
        httpx.ConnectError(f"Illegal header value b'Bearer {TOKEN}'"),
        httpx.LocalProtocolError(f"Illegal header value b'Bearer {TOKEN}'"),
    ],
)
def test_the_token_is_in_no_message_or_record(
    clock: Clock, caplog: pytest.LogCaptureFixture, reply: int | httpx.Response | Exception
) -> None:
    settings = ExpertConfig(token=SecretStr(TOKEN))
    ours = caller(Server(reply), clock, token=settings.token)
    shown = [repr(settings), str(settings), repr(ours), repr(vars(ours)), repr(ours.budget)]
    with caplog.at_level("DEBUG"):
        try:
            ours.post("/")
        except ExpertError as error:
            shown += [str(error), repr(error), repr(vars(error))]
    assert TOKEN not in " ".join([*shown, caplog.text])


def test_every_failure_is_one_line(clock: Clock) -> None:
    for reply in (httpx.ConnectError("a\nb\x1b[0m"), httpx.Response(400, text="a\nb\x1b[0m")):
        with pytest.raises(ExpertError) as caught:
            caller(Server(reply), clock).post("/")
        assert str(caught.value).isprintable()
