"""The door of the application: token, rate and size are judged before anything of a request is read."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from expert.gate import Rate, admitted
from expert.metrics import ServerMetrics
from expert.problems import problem

_OPEN = frozenset({"/healthz"})
"""Whoever watches over the server need not know the token."""
_ROUTES = frozenset({"/healthz", "/metrics", "/v1/answers", "/v1/chat/completions", "/v1/models"})


@dataclass(frozen=True)
class AccessRules:
    """Who may come in, and with how much. Without a token everybody may who can reach the server."""

    token: str
    rate: Rate
    body_bytes: int


class Door:
    """ASGI middleware around the whole application."""

    def __init__(
        self,
        app: ASGIApp,
        house: AccessRules,
        meters: ServerMetrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app, self._house, self._meters, self._clock = app, house, meters, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        counted = _Counted(send, self._meters, scope["path"], self._clock)
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, counted.send)
            return
        bounded = _Bounded(receive, self._house.body_bytes)
        await self._app(scope, bounded.receive, counted.send)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        open_to_all, token = scope["path"] in _OPEN, self._house.token
        if token and not open_to_all and not admitted(headers.get("authorization"), token):
            return problem(
                401, "token", "The token is missing or wrong. Send it as: Authorization: Bearer TOKEN",
                {"WWW-Authenticate": "Bearer"},
            )  # fmt: skip
        if "origin" in headers:
            return problem(403, "origin", "Web pages may not ask this server.")
        wait = 0.0 if open_to_all else self._house.rate.wait((scope.get("client") or ("",))[0], self._clock())
        if wait:
            return problem(429, "rate", "Too many requests.", {"Retry-After": str(int(wait) + 1)})
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > self._house.body_bytes:
            return problem(413, "size", too_large(self._house.body_bytes), {"Connection": "close"})
        return None


def too_large(limit: int) -> str:
    """What is said to who sends more than `limit` bytes."""
    return f"The request is larger than {limit:,} bytes. Send a smaller frame."


class _Bounded:
    """Counts what comes in; who says nothing of the length, or lies, is stopped on the way."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive, self._limit = receive, limit
        self._read = 0

    async def receive(self) -> Message:
        message = await self._receive()
        self._read += len(message.get("body", b""))
        if self._read > self._limit:
            raise HTTPException(413, too_large(self._limit), {"Connection": "close"})
        return message


class _Counted:
    """Counts requests by route and status, and how long they took."""

    def __init__(self, send: Send, meters: ServerMetrics, path: str, clock: Callable[[], float]) -> None:
        self._send, self._meters, self._clock = send, meters, clock
        self._route = path if path in _ROUTES else "other"  # not one series for whatever is tried
        self._began = clock()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._meters.requests.labels(self._route, str(message["status"])).inc()
        await self._send(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self._meters.seconds.labels(self._route).observe(self._clock() - self._began)
