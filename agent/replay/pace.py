"""How fast a session is replayed: waiting for each adaptation, so that a seed decides, or in real time."""

import time
from dataclasses import dataclass
from typing import Protocol

from agent.recording.visit import VisitTurn

PAUSE = 6.0
"""Seconds before a question whose pause is unknown: to look, to think, to type."""
_POLL = 0.1  # seconds between two rounds of tending


class Tended(Protocol):
    """What is looked after between turns: a `Controller`."""

    def between_turns(self) -> None: ...
    def settle(self) -> None: ...


@dataclass(frozen=True)
class Pace:
    """`speed` divides the pauses; None: no pauses, and each adaptation is waited for."""

    speed: float | None = None

    def rest(self, tended: Tended, following: VisitTurn | None, since: float) -> None:
        """Wait between an answer, given at `since` (monotonic), and the following question."""
        tended.between_turns()
        if self.speed is None:
            tended.settle()
        elif following is not None:
            pause = PAUSE if following.pause is None else following.pause
            until = since + pause / self.speed
            while (left := until - time.monotonic()) > 0:
                time.sleep(min(left, _POLL))
                tended.between_turns()
