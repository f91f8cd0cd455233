"""The listeners of a session: each gets all events so far, then what happens, in the same order."""

import threading
import time
from collections.abc import Callable

from agent.console import Back, ConsoleMessage, Gone, Hear, Partial, Pulse
from core.events import Event

DRAFT_EVERY = 0.1
"""Seconds between two drafts, and before the first: a faster answer needs none."""


class Drafts:
    """Tells the drafts of one answer, on the thread that makes it."""

    def __init__(
        self, turn: Callable[[], int], tell: Callable[[Partial], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._turn, self._tell, self._clock = turn, tell, clock
        self._told_at = clock()

    def __call__(self, text: str) -> None:
        now = self._clock()
        if text and now - self._told_at >= DRAFT_EVERY:
            self._told_at = now
            self._tell(Partial(self._turn(), text))


class Audience:
    """Listeners and all events so far. Thread-safe. A listener that raises is dropped."""

    def __init__(self) -> None:
        # Held while telling, so that nobody misses an event or gets it twice; a listener may listen again.
        self._lock = threading.RLock()
        self._screens: list[Hear] = []
        self._followers: list[Hear] = []
        self._events: list[Event] = []
        self._gone: Gone | None = None

    def __len__(self) -> int:
        """The number of screens."""
        return len(self._screens)

    @property
    def gone(self) -> Gone | None:
        """How the session ended, None while it goes on."""
        return self._gone

    def listen(self, hear: Hear, pulse: Pulse) -> Callable[[], None]:
        """Add a screen, which begins with all events and the current pulse. Calling the result removes it."""
        with self._lock:
            self._screens.append(hear)
            for message in (Back(tuple(self._events)), pulse if self._gone is None else self._gone):
                if hear in self._screens:
                    self._tell_one(hear, message)
        return lambda: self._forget(hear)

    def follow(self, hear: Hear) -> None:
        """Add a listener that is no screen: it gets events, but no pulses."""
        with self._lock:
            self._followers.append(hear)
            for event in self._events:
                self._tell_one(hear, event)

    def tell(self, message: Event | Pulse | Partial) -> None:
        """Tell everybody; events are kept for later listeners."""
        with self._lock:
            if isinstance(message, Event):
                self._events.append(message)
            self._tell_all(message)

    def end(self, gone: Gone) -> None:
        """Tell everybody, now and later, that it is over. Only the first call counts."""
        with self._lock:
            if self._gone is None:
                self._gone = gone
                self._tell_all(gone)

    def _tell_all(self, message: ConsoleMessage) -> None:
        followers = [] if isinstance(message, Pulse | Partial) else self._followers
        for hear in (*followers, *self._screens):
            self._tell_one(hear, message)

    def _tell_one(self, hear: Hear, message: ConsoleMessage) -> None:
        try:
            hear(message)
        except Exception:  # noqa: BLE001  # a broken screen must not end the session
            self._forget(hear)

    def _forget(self, hear: Hear) -> None:
        with self._lock:
            for listeners in (self._screens, self._followers):
                if hear in listeners:
                    listeners.remove(hear)
