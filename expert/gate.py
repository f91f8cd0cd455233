"""Who may come in: the token, how often, how much. Pure decisions; the application asks them."""

import hmac
from collections import OrderedDict
from dataclasses import dataclass

_CLIENTS = 4096
"""Of so many the rate is kept; who came least recently is forgotten."""


def admitted(header: str | None, token: str) -> bool:
    """Whether an Authorization header carries the token. Takes as long for a wrong one as for a right one."""
    scheme, _, given = (header or "").partition(" ")
    same = hmac.compare_digest(given.strip().encode("utf-8", "replace"), token.encode())
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
        """0 where the client may go on at `now` (seconds, monotonic), else the seconds until it may."""
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
