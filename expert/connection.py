"""Connections, before anything of a request is checked: how many there may be, and how long one may take.

A client that stalls in its header or its body is dropped after a while, and at once where there are too many:
the one that has stalled longest makes room. So whoever sends whole requests is always heard.
"""

import asyncio
import sys
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if sys.platform != "win32":
    import resource

HEADER_SECONDS, BODY_SECONDS = 10.0, 30.0
"""For a whole header, and for a whole body after it."""
_MOST, _SPARE = 1024, 64
"""Connections at most, and open files that are left to everything else."""
_ENDED = (h11.DONE, h11.MUST_CLOSE, h11.CLOSED, h11.ERROR)


def most_connections() -> int:
    """As many as the limit of open files allows."""
    if sys.platform == "win32":
        return _MOST
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST if soft == resource.RLIM_INFINITY else max(8, min(_MOST, soft - _SPARE))


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 by h11, whose headers have a limit, with limits of time and number around it."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._timer: asyncio.TimerHandle | None = None
        self._in_body = False

    def connection_made(self, transport: Any) -> None:
        """Start the clock; make room if there are too many."""
        super().connection_made(transport)
        self._wait_for(HEADER_SECONDS)
        if len(self.connections) > most_connections():
            waiting = [
                each for each in self.connections if isinstance(each, BoundedProtocol) and each.deadline
            ]
            min(waiting, key=lambda each: each.deadline).drop()

    def data_received(self, data: bytes) -> None:
        """Set the clock by what is still to come of the request."""
        super().data_received(data)
        state = self.conn.their_state
        if state in _ENDED:
            self._stop_waiting()
        elif state is h11.SEND_BODY and not self._in_body:
            self._in_body = True
            self._wait_for(BODY_SECONDS)
        elif state is h11.IDLE and self._timer is None:
            self._wait_for(HEADER_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop_waiting()
        super().connection_lost(exc)

    @property
    def deadline(self) -> float:
        """When it will be dropped if no more comes, by the loop's clock; 0 while nothing is awaited."""
        return self._timer.when() if self._timer else 0.0

    def drop(self) -> None:
        """Hang up, with nothing said."""
        self._stop_waiting()
        self.transport.abort()

    def _wait_for(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, self.drop)

    def _stop_waiting(self) -> None:
        self._in_body = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
