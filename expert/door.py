"""Access control: token, rate and size are checked before anything of a request is read."""

import hmac
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import ImageError, InputError, QuestionError, RoomwiseError
from expert.desk import ExhaustedError, FullError
from expert.metrics import ServerMetrics


def problem(status: int, kind: str, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A refusal in a form that our client and OpenAI's understand."""
    error = {"message": message, "type": kind, "param": None, "code": kind}
    return JSONResponse({"error": error}, status, headers=dict(headers or {}))


def problem_of(error: Exception) -> JSONResponse:
    """The refusal for an error. Unforeseen ones keep their reasons to the log."""
    match error:
        case ImageError():
            return problem(422, "frame", str(error))
        case QuestionError():
            return problem(422, "question", str(error))
        case InputError():
            return problem(422, "request", str(error))
        case FullError():
            return problem(503, "busy", str(error), {"Retry-After": "1"})
        case ExhaustedError():
            return problem(503, "memory", str(error), {"Retry-After": "5"})
        case RoomwiseError():
            return problem(503, "expert", str(error))
        case _:
            return problem(500, "internal", "The expert failed at this question. The server's log says why.")


_OPEN = frozenset({"/healthz"})
"""Health checks need no token."""
_ROUTES = frozenset({"/healthz", "/metrics", "/v1/answers", "/v1/chat/completions", "/v1/models"})


_CLOSE = {"Connection": "close"}
"""Of a refused request the body is not read."""
_DIGITS = 18
_CLIENTS = 4096
"""The rate of so many clients is kept, the most recent ones."""


def host_name(header: str) -> str:
    """The name in a Host header, without port and brackets, in lower case."""
    name, colon, port = header.strip().rpartition(":")
    host = name if colon and port.isdecimal() else header.strip()
    return host.removeprefix("[").removesuffix("]").lower()


def admitted(header: str | None, token: str) -> bool:
    """Whether an Authorization header carries the token, compared in constant time."""
    scheme, _, credentials = (header or "").partition(" ")
    same = hmac.compare_digest(credentials.strip().encode("utf-8", "replace"), token.encode())
    return same and scheme.lower() == "bearer"


@dataclass
class _Bucket:
    tokens: float
    at: float


class Rate:
    """A token bucket for each client: `each_second` requests in the long run (0: any), `burst` at once."""

    def __init__(self, each_second: float, burst: int) -> None:
        self._rate, self._burst = each_second, burst
        self._clients: OrderedDict[str, _Bucket] = OrderedDict()

    def wait(self, client: str, now: float) -> float:
        """Seconds until the client may ask, at `now` (monotonic); 0 if it may ask now."""
        if self._rate <= 0:
            return 0.0
        bucket = self._clients.setdefault(client, _Bucket(float(self._burst), now))
        self._clients.move_to_end(client)
        if len(self._clients) > _CLIENTS:
            self._clients.popitem(last=False)
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.at) * self._rate)
        bucket.at = now
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return 0.0
        return (1 - bucket.tokens) / self._rate


@dataclass(frozen=True)
class AccessRules:
    """Token, rate and size limits. Without a token everybody may ask, by one of the names in `hosts`; empty:
    by any.
    """

    token: str
    rate: Rate
    body_bytes: int
    hosts: frozenset[str] = frozenset()


class Door:
    """ASGI middleware around the whole application."""

    def __init__(
        self,
        app: ASGIApp,
        rules: AccessRules,
        metrics: ServerMetrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app, self._rules, self._metrics, self._clock = app, rules, metrics, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        counted = _Counted(send, self._metrics, scope["path"], self._clock)
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, counted.send)
            return
        bounded = _Bounded(receive, self._rules.body_bytes)
        await self._app(scope, bounded.receive, counted.send)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        open_to_all, token, hosts = scope["path"] in _OPEN, self._rules.token, self._rules.hosts
        if hosts and host_name(headers.get("host", "")) not in hosts:
            return problem(421, "host", "This server does not go by that name.", _CLOSE)
        if token and not open_to_all and not admitted(headers.get("authorization"), token):
            return problem(
                401, "token", "The token is missing or wrong. Send it as: Authorization: Bearer TOKEN",
                {"WWW-Authenticate": "Bearer", **_CLOSE},
            )  # fmt: skip
        if "origin" in headers:
            return problem(403, "origin", "Web pages may not ask this server.", _CLOSE)
        wait = 0.0 if open_to_all else self._rules.rate.wait((scope.get("client") or ("",))[0], self._clock())
        if wait:
            return problem(429, "rate", "Too many requests.", {"Retry-After": str(int(wait) + 1), **_CLOSE})
        length = headers.get("content-length", "0")
        if len(length) > _DIGITS or (length.isdecimal() and int(length) > self._rules.body_bytes):
            return problem(413, "size", _too_large(self._rules.body_bytes), _CLOSE)
        return None


def _too_large(limit: int) -> str:
    return f"The request is larger than {limit:,} bytes. Send a smaller frame."


class _Bounded:
    """Counts incoming bytes, so that a missing or wrong length is caught on the way."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive, self._limit = receive, limit
        self._read = 0

    async def receive(self) -> Message:
        message = await self._receive()
        self._read += len(message.get("body", b""))
        if self._read > self._limit:
            raise HTTPException(413, _too_large(self._limit), {"Connection": "close"})
        return message


class _Counted:
    """Counts requests by route and status, and their durations."""

    def __init__(self, send: Send, metrics: ServerMetrics, path: str, clock: Callable[[], float]) -> None:
        self._send, self._metrics, self._clock = send, metrics, clock
        self._route = path if path in _ROUTES else "other"  # not one series for whatever is tried
        self._began = clock()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._metrics.requests.labels(self._route, str(message["status"])).inc()
        await self._send(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self._metrics.seconds.labels(self._route).observe(self._clock() - self._began)
