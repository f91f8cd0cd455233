"""When a silent server is left alone, and for how long: so that nobody waits for it at every question."""

from dataclasses import dataclass

FAILURES = 3
"""So many in a row, and it is left alone."""
FIRST_PAUSE = 5.0
LONGEST_PAUSE = 60.0


@dataclass(frozen=True)
class Breaker:
    """What is known of a server; every method gives the next state or a number, and changes nothing.

    `failures` in a row; `pause`, the seconds for which it is left alone, 0 while it is not; nothing is let
    through before `until`, in seconds of a monotonic clock, as is every `now`. `trying`: the one call that is
    let through after a pause is under way.
    """

    failures: int = 0
    pause: float = 0.0
    until: float = 0.0
    trying: bool = False

    def wait(self, now: float) -> float:
        """Seconds until a call is let through, 0 when it is now."""
        return max(0.0, self.until - now) if self.pause else 0.0

    def entered(self, now: float) -> "Breaker":
        """A call was let through. After a pause it is the only one, until it ends or is given up for lost."""
        if not self.pause:
            return self
        return Breaker(self.failures, self.pause, now + LONGEST_PAUSE, trying=True)

    def succeeded(self) -> "Breaker":
        """A call was answered: all is forgotten."""
        return Breaker()

    def failed(self, now: float) -> "Breaker":
        """A call was not answered. One that was let through before the pause began makes it no longer."""
        failures = self.failures + 1
        if self.pause and not self.trying:
            return Breaker(failures, self.pause, self.until)
        if failures < FAILURES:
            return Breaker(failures)
        pause = min(2 * self.pause, LONGEST_PAUSE) if self.pause else FIRST_PAUSE
        return Breaker(failures, pause, now + pause)
