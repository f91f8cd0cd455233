"""A circuit breaker: leave a silent server alone for a while, instead of waiting for it at every question."""

from dataclasses import dataclass

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
