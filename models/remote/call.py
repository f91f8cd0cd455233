"""Call an expert's server, within limits of time and cost, without secrets in error messages."""

import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

from core.errors import ConfigError, ExpertError
from core.sections import ExpertConfig
from models.remote.address import Address
from models.remote.budget import Budget
from models.remote.failure import CallError, SilenceError, refusal_error, silence_message, transport_error

FAILURES = 3
"""Failures in a row that open the breaker."""
FIRST_PAUSE = 5.0
LONGEST_PAUSE = 60.0


@dataclass(frozen=True)
class Breaker:
    """The state for a server, immutable; methods return the next one.

    `failures` in a row; `pause`, the seconds to leave it alone, 0 while closed; no call passes before
    `until`, in seconds of a monotonic clock, like every `now`. `trying`: the one call after a pause is
    running.
    """

    failures: int = 0
    pause: float = 0.0
    until: float = 0.0
    trying: bool = False

    def wait(self, now: float) -> float:
        """Seconds until a call may pass, 0 for now."""
        return max(0.0, self.until - now) if self.pause else 0.0

    def entered(self, now: float) -> "Breaker":
        """After a call has passed. After a pause no other passes until it ends or is given up."""
        if not self.pause:
            return self
        return Breaker(self.failures, self.pause, now + LONGEST_PAUSE, trying=True)

    def succeeded(self) -> "Breaker":
        """After a call was answered."""
        return Breaker()

    def failed(self, now: float) -> "Breaker":
        """After a call failed. One that began before the pause does not lengthen it."""
        failures = self.failures + 1
        if self.pause and not self.trying:
            return Breaker(failures, self.pause, self.until)
        if failures < FAILURES:
            return Breaker(failures)
        pause = min(2 * self.pause, LONGEST_PAUSE) if self.pause else FIRST_PAUSE
        return Breaker(failures, pause, now + pause)


LARGEST = 64 * 2**20
"""Bytes of a reply's body; larger ones are refused."""
_ATTEMPTS = 3
_BACK_OFF = wait_random_exponential(multiplier=0.5, max=4)
_SHORTEST = 0.001


class Caller:
    """The client of one server. Threads may share it; concurrent calls may overrun the budget.

    A call with its retries takes at most `settings.seconds`, unless the reply trickles in. `clock`
    (monotonic) and `sleep` are in seconds. `transport` replaces the network. Raises ConfigError for an
    unusable token or authority.
    """

    def __init__(
        self,
        address: Address,
        settings: ExpertConfig,
        budget: Budget | None = None,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.address = address
        self.budget = budget or Budget(settings.max_calls, settings.max_bytes)
        self._settings = settings
        self._clock, self._sleep = clock, sleep
        self._breaker, self._lock = Breaker(), threading.Lock()
        # A small compressed reply may unpack to any size.
        headers = {"User-Agent": "roomwise", "Accept-Encoding": "identity", **_authorization(self._token())}
        context = httpx.create_ssl_context(trust_env=False)
        _trust(context, settings.authority)
        self._client = httpx.Client(
            headers=headers, transport=transport, follow_redirects=False, trust_env=False, verify=context
        )

    def get(self, path: str) -> httpx.Response:
        """GET `path` below the address, outside the budget. Raises ExpertError."""
        return self._call(self._client.build_request("GET", self.address.url + path), 0, Budget())

    def post(self, path: str, calls: int = 1, **request: Any) -> httpx.Response:
        """POST a request of `calls` questions; keywords are httpx's, with files as bytes for retries.

        Returns the whole reply. Raises ExpertError, also for every status that is not a success.
        """
        built = self._client.build_request("POST", self.address.url + path, **request)
        return self._call(built, calls, self.budget)

    def close(self) -> None:
        """Close the connections. No call may follow."""
        self._client.close()

    def _token(self) -> str:
        return self._settings.token.get_secret_value().strip()

    def _call(self, request: httpx.Request, calls: int, budget: Budget) -> httpx.Response:
        size = _size(request)
        budget.check(calls, size)
        self._enter()
        deadline = self._clock() + self._settings.seconds

        def stop(state: RetryCallState) -> bool:
            too_late = self._clock() + state.upcoming_sleep >= deadline
            return too_late or state.attempt_number >= _ATTEMPTS or bool(budget.refusal(calls, size))

        passing = retry_if_exception(lambda error: isinstance(error, CallError) and error.passing)
        retrying = Retrying(sleep=self._sleep, stop=stop, wait=_pause, retry=passing, reraise=True)
        try:
            reply: httpx.Response = retrying(self._attempt, request, calls, budget, deadline)
        except SilenceError as error:
            why = silence_message(self.address.display, self._record_failure(), str(error))
            raise CallError(why, lost=error.lost) from error
        except CallError as error:
            # A server that refuses is alive; one that is overloaded or broken is better left alone.
            if 0 < error.status < 500 and error.status != 429:
                self._record_success()
            else:
                self._record_failure()
            raise
        self._record_success()
        return reply

    def _enter(self) -> None:
        with self._lock:
            now = self._clock()
            wait = self._breaker.wait(now)
            if wait:
                raise ExpertError(silence_message(self.address.display, wait))
            self._breaker = self._breaker.entered(now)

    def _record_success(self) -> None:
        with self._lock:
            self._breaker = self._breaker.succeeded()

    def _record_failure(self) -> float:
        """Seconds until the server is tried again."""
        with self._lock:
            now = self._clock()
            self._breaker = self._breaker.failed(now)
            return self._breaker.wait(now)

    def _spend(self, budget: Budget, calls: int, size: int) -> None:
        with self._lock:
            budget.spent(calls, size)

    def _attempt(self, request: httpx.Request, calls: int, budget: Budget, deadline: float) -> httpx.Response:
        remaining = max(deadline - self._clock(), _SHORTEST)
        timeout = httpx.Timeout(remaining, connect=min(remaining, self._settings.connect_seconds))
        request.extensions = {**request.extensions, "timeout": timeout.as_dict()}
        try:
            reply = self._receive(request, budget, deadline)
        except CallError as error:
            if error.lost:
                self._spend(budget, calls, _size(request))
            raise
        self._spend(budget, calls if reply.is_success else 0, _size(request))
        if not reply.is_success:
            raise refusal_error(reply, self.address.display, self._token())
        return reply

    def _receive(self, request: httpx.Request, budget: Budget, deadline: float) -> httpx.Response:
        try:
            reply = self._client.send(request, stream=True)
            try:
                body = self._read_body(reply, budget, deadline)
            finally:
                reply.close()
        except httpx.TransportError as error:
            raise transport_error(error, self.address.display, self._token()) from error
        return httpx.Response(reply.status_code, headers=reply.headers, content=body, request=request)

    def _read_body(self, reply: httpx.Response, budget: Budget, deadline: float) -> bytes:
        if reply.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise self._unreadable(reply, "is compressed. Turn compression off there")
        body = bytearray()
        for chunk in reply.iter_bytes():
            body += chunk
            self._spend(budget, 0, len(chunk))
            if len(body) > LARGEST:
                raise self._unreadable(reply, f"is larger than {LARGEST:,} bytes. Ask it less at once")
            if self._clock() > deadline:
                raise SilenceError("its answer took too long", lost=True)
        return bytes(body)

    def _unreadable(self, reply: httpx.Response, why: str) -> CallError:
        return CallError(
            f"What the expert at {self.address.display} says {why}.", reply.status_code, lost=True
        )


def _size(request: httpx.Request) -> int:
    return int(request.headers.get("Content-Length", "0"))


def _trust(context: ssl.SSLContext, authority: str) -> None:
    """Trust the certificates of this PEM file too, if one is named."""
    if not authority:
        return
    try:
        context.load_verify_locations(Path(authority))
    except (OSError, ssl.SSLError) as error:
        why = "no certificate in PEM" if isinstance(error, ssl.SSLError) else error.strerror or str(error)
        raise ConfigError(
            f"expert.authority names {authority}: {why}. Give the server's certificate."
        ) from error


def _authorization(token: str) -> dict[str, str]:
    if not (token.isascii() and token.isprintable()):
        raise ConfigError("expert.token holds characters that cannot be sent. Set one of letters and digits.")
    return {"Authorization": f"Bearer {token}"} if token else {}


def _pause(state: RetryCallState) -> float:
    """Seconds before the next attempt: what the server asks for, else random with exponential growth."""
    error = state.outcome.exception() if state.outcome else None
    pause = error.pause if isinstance(error, CallError) else None
    return _BACK_OFF(state) if pause is None else pause
