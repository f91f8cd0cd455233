"""What came of a call that failed, in one line that ends with the remedy and holds nothing secret."""

import json
import math
import re
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx

from core.errors import ExpertError
from core.text import strip_controls

LONGEST_PAUSE = 5.0
"""Seconds; whoever wants to be left alone for longer is not asked again by the same call."""
_PASSING = frozenset({429, 502, 503, 504})
_KNOWING = frozenset({0, 401, 403, 429})
_UNCONNECTED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_BROKEN = (httpx.NetworkError, httpx.ConnectTimeout, httpx.RemoteProtocolError)
_READ, _SHOWN = 10_000, 200
_PARSED = 2**20
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


class CallError(ExpertError):
    """A call that failed.

    `status` is that of the reply, 0 where none came. `passing`: asked again it may succeed, after `pause`
    seconds where the server said so. `lost`: the server may have answered all the same.
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
        """Whether somebody is there who does not know what was asked for: neither silent, strict nor busy."""
        return self.status not in _KNOWING and self.status < HTTPStatus.INTERNAL_SERVER_ERROR


class SilenceError(CallError):
    """No reply came; the message only says what happened instead."""


def unanswered(server: str, wait: float, why: str = "") -> str:
    """That a server is silent, and when it is tried again: `wait` seconds from now."""
    when = f"in {math.ceil(wait)} s" if wait > 0 else "at the next question"
    happened = f" ({why})" if why else ""
    return (
        f"The expert at {server} does not answer; it is tried again {when}. "
        f"Check that it runs and can be reached{happened}."
    )


def unreached(error: httpx.TransportError, server: str, token: str) -> CallError:
    """What an error on the way means."""
    why = _harmless(str(error), token).rstrip(".") or type(error).__name__
    if isinstance(error, httpx.ConnectError) and "SSL:" in why:
        return CallError(
            f"No encrypted connection to the expert at {server}: {why}. Check address and certificate."
        )
    lost = not isinstance(error, _UNCONNECTED)
    return SilenceError(why, passing=isinstance(error, _BROKEN), lost=lost)


def refused(reply: httpx.Response, server: str, token: str) -> CallError:
    """What a reply means that is not the answer. `token` is not to be repeated; empty: there is none."""
    pause = retry_after(reply.headers)
    soon = pause is None or pause <= LONGEST_PAUSE
    complaint = _complaint(reply, pause, token)
    status = reply.status_code
    return CallError(f"The expert at {server} {complaint}", status, status in _PASSING and soon, pause)


def retry_after(headers: httpx.Headers) -> float | None:
    """Seconds for which the server wants to be left alone, None where it does not say so legibly."""
    said = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(said):
        return float(said)
    try:
        # By the server's own clock, which need not agree with ours.
        until, now = parsedate_to_datetime(said), parsedate_to_datetime(headers.get("Date", ""))
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
    """The server's own words, from {"error": {"message": ...}} and its relatives, else as they are."""
    # Not in the encoding that it names: there are encodings that unpack, and some that fail.
    text = reply.content[:_PARSED].decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return _harmless(text, token).rstrip(".")
    for _ in range(3):
        if isinstance(found, dict):
            found = next((found[key] for key in ("error", "message", "detail") if key in found), "")
    return _harmless(found if isinstance(found, str) else json.dumps(found), token).rstrip(".")


def _harmless(text: str, token: str) -> str:
    """One short line without the token, whoever repeats it and however it is cut."""
    shown = strip_controls(_without(text, token)[:_READ])
    return _without(shown, token)[:_SHOWN]


def _without(text: str, token: str) -> str:
    if not token:
        return text
    for form in (token, json.dumps(token)[1:-1], strip_controls(token)):
        text = text.replace(form, "***")
    return text
