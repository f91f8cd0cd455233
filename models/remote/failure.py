"""Describe failed calls in one line that ends with the remedy and holds no secret."""

import json
import math
import re
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx

from core.errors import ExpertError
from core.text import strip_controls

LONGEST_PAUSE = 5.0
"""Seconds; a server that asks for more is not tried again in the same call."""
_PASSING = frozenset({429, 502, 503, 504})
_EXPLAINED = frozenset({0, 401, 403, 429})
_UNCONNECTED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_BROKEN = (httpx.NetworkError, httpx.ConnectTimeout, httpx.RemoteProtocolError)
_READ, _SHOWN = 10_000, 200
_PARSED = 2**20
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


class CallError(ExpertError):
    """A call that failed.

    `status` is the reply's, 0 without one. `passing`: a retry may succeed, after `pause` seconds if the
    server says so. `lost`: the server may have answered all the same.
    """

    def __init__(
        self,
        message: str,
        status: int = 0,
        passing: bool = False,
        pause: float | None = None,
        lost: bool = False,
    ) -> None:
        super().__init__(message)
        self.status, self.passing, self.pause, self.lost = status, passing, pause, lost

    @property
    def elsewhere(self) -> bool:
        """Whether another kind of server replied: it was neither silent, strict, busy nor broken."""
        return self.status not in _EXPLAINED and self.status < HTTPStatus.INTERNAL_SERVER_ERROR


class SilenceError(CallError):
    """No reply came; the message says what happened instead."""


def silence_message(server: str, wait: float, why: str = "") -> str:
    """The message for a silent server that is tried again in `wait` seconds."""
    when = f"in {math.ceil(wait)} s" if wait > 0 else "at the next question"
    happened = f" ({why})" if why else ""
    return (
        f"The expert at {server} does not answer; it is tried again {when}. "
        f"Check that it runs and can be reached{happened}."
    )


def transport_error(error: httpx.TransportError, server: str, token: str) -> CallError:
    """The error for a failed connection."""
    why = _shorten(str(error), token).rstrip(".") or type(error).__name__
    if isinstance(error, httpx.ConnectError) and "SSL:" in why:
        return CallError(
            f"No encrypted connection to the expert at {server}: {why}. Check address and certificate."
        )
    lost = not isinstance(error, _UNCONNECTED)
    return SilenceError(why, passing=isinstance(error, _BROKEN), lost=lost)


def refusal_error(reply: httpx.Response, server: str, token: str) -> CallError:
    """The error for a refusing reply. `token` is removed from it; "" for none."""
    pause = retry_after(reply.headers)
    soon = pause is None or pause <= LONGEST_PAUSE
    complaint = _complaint(reply, pause, token)
    status = reply.status_code
    return CallError(f"The expert at {server} {complaint}", status, status in _PASSING and soon, pause)


def retry_after(headers: httpx.Headers) -> float | None:
    """The seconds of Retry-After, None where it is missing or unreadable."""
    value = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        # By the server's own clock, which may differ from ours.
        until, now = parsedate_to_datetime(value), parsedate_to_datetime(headers.get("Date", ""))
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def _complaint(reply: httpx.Response, pause: float | None, token: str) -> str:
    status, reason, path = reply.status_code, _reason(reply, token), reply.url.raw_path.decode("ascii")
    because = f": {reason}" if reason else ""
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        which = "does not accept the token. Set the right one" if token else "wants a token. Set it"
        return f"{which} in ROOMWISE_EXPERT__TOKEN."
    if status == HTTPStatus.NOT_FOUND:
        return f"has nothing at {path}{because}. Is expert.model the right address?"
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        size = int(reply.request.headers.get("Content-Length", "0"))
        return f"finds a frame of {size:,} bytes too large. Use smaller pictures, or raise its limit."
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = f"{math.ceil(pause)} s" if pause else "a little"
        return f"is asked too often. Wait {wait}, or set expert.extra lower."
    if reply.is_redirect:
        return f"has moved ({status}). Set expert.model to where it is now."
    if reply.is_client_error:
        return f"refuses this ({status}{because}). Change the question, the frame or the [expert] settings."
    return f"cannot answer now ({status}{because}). Try again later, or look into its log."


def _reason(reply: httpx.Response, token: str) -> str:
    """The server's own words, from {"error": {"message": ...}} and the like, else the body."""
    # Always UTF-8: some declared encodings unpack, and some fail.
    text = reply.content[:_PARSED].decode("utf-8", "replace")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return _shorten(text, token).rstrip(".")
    for _ in range(3):
        if isinstance(value, dict):
            value = next((value[key] for key in ("error", "message", "detail") if key in value), "")
    return _shorten(value if isinstance(value, str) else json.dumps(value), token).rstrip(".")


def _shorten(text: str, token: str) -> str:
    """One short line without the token, even where cutting would leave a part of it."""
    line = strip_controls(_without_token(text, token)[:_READ])
    return _without_token(line, token)[:_SHOWN]


def _without_token(text: str, token: str) -> str:
    if not token:
        return text
    for form in (token, json.dumps(token)[1:-1], strip_controls(token)):
        text = text.replace(form, "***")
    return text
