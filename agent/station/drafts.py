"""Answers on their way to a screen: as far as they are made, and not oftener than is looked at."""

import time
from collections.abc import Callable

from agent.console.protocol import Partial

EVERY = 0.1
"""Seconds between two drafts, and before the first: an answer that is there by then needs none."""


class Drafts:
    """Takes the drafts of one answer, on the thread that makes it."""

    def __init__(
        self, turn: Callable[[], int], tell: Callable[[Partial], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._turn, self._tell, self._clock = turn, tell, clock
        self._told = clock()

    def __call__(self, text: str) -> None:
        """The answer is so far."""
        now = self._clock()
        if text and now - self._told >= EVERY:
            self._told = now
            self._tell(Partial(self._turn(), text))
