"""How fast a session is replayed: as fast as it goes, or with the pauses of whoever asked.

At full speed every adaptation is waited for, so that the same seed gives the same answers. With a speed
nothing waits: the child trains while questions are asked, as in real use, and the clock has a say in them.
"""

import time
from dataclasses import dataclass
from typing import Protocol

from agent.recording.visit import VisitTurn

PAUSE = 6.0
"""Seconds before a question of a session that does not say: to look, to think, to type."""
_LOOK = 0.1  # seconds between two looks at the child


class Tended(Protocol):
    """What has to be looked after between turns: a `Controller`."""

    def between_turns(self) -> None:
        """Progress, end, swap, the next job."""
        ...

    def settle(self) -> None:
        """Wait for the child that runs, if one does."""
        ...


@dataclass(frozen=True)
class Pace:
    """`speed` divides the pauses; None: no pauses, and each adaptation is waited for."""

    speed: float | None = None

    def rest(self, tended: Tended, following: VisitTurn | None, since: float) -> None:
        """What happens between an answer, given at `since` (monotonic), and the question that follows it."""
        tended.between_turns()
        if self.speed is None:
            tended.settle()
        elif following is not None:
            pause = PAUSE if following.pause is None else following.pause
            self._wait(tended, since + pause / self.speed)

    @staticmethod
    def _wait(tended: Tended, until: float) -> None:
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK))
            tended.between_turns()
