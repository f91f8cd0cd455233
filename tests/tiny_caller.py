"""Calls without a network or a wait: the server is a function, and the clock moves by sleeping."""

from collections.abc import Callable
from typing import Any

import httpx

from core.sections import ExpertConfig
from models.remote.address import Address
from models.remote.budget import Budget
from models.remote.call import Caller

Handler = Callable[[httpx.Request], httpx.Response]


class Clock:
    """Seconds that pass by sleeping, or when a server says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self.waits.append(seconds)
        self.now += seconds


class Server:
    """Gives the replies in turn, the last one for ever; errors are raised."""

    def __init__(self, *replies: int | httpx.Response | Exception) -> None:
        self.replies = list(replies)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        return httpx.Response(reply, content=b"body") if isinstance(reply, int) else reply


def caller(server: Handler, clock: Clock, budget: Budget | None = None, **settings: Any) -> Caller:
    """Who calls this server at https://h/base."""
    return Caller(
        Address("https://h/base"),
        ExpertConfig(**settings),
        budget,
        httpx.MockTransport(server),
        clock,
        clock.sleep,
    )
