"""Futures that follow others and are settled once."""

from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Any

from core.errors import InputError

OVER = "The session is over. Begin another: roomwise run"


def follow_up(
    future: "Future[Any]", reply: "Future[Any]", change: Callable[[Any], Any] | None = lambda value: value
) -> None:
    """Settle a reply as a future ends, its value changed; without `change` only if it fails."""

    def done(ended: "Future[Any]") -> None:
        if ended.cancelled():
            settle(reply, error=InputError(OVER))
        elif ended.exception() is not None:
            settle(reply, error=ended.exception())
        elif change is not None:
            settle(reply, change(ended.result()))

    future.add_done_callback(done)


def settle(reply: "Future[Any]", value: Any = None, error: BaseException | None = None) -> None:
    """End a future, unless it has ended."""
    with suppress(InvalidStateError):
        if error is None:
            reply.set_result(value)
        else:
            reply.set_exception(error)
