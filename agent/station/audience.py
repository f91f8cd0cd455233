"""Who hears a session: each gets all that happened so far, and then whatever happens, in the same order."""

import threading
from collections.abc import Callable

from agent.console.protocol import Back, ConsoleMessage, Gone, Hear, Partial, Pulse
from core.events import Event


class Audience:
    """Screens, and all events so far. For several threads. Whoever fails at hearing is not told again."""

    def __init__(self) -> None:
        # Held while telling, so that nobody misses an event or hears it twice; entered again by who listens
        # from within what it hears.
        self._lock = threading.RLock()
        self._hears: list[Hear] = []
        self._followers: list[Hear] = []
        self._events: list[Event] = []
        self._gone: Gone | None = None

    def __len__(self) -> int:
        """How many listen."""
        return len(self._hears)

    @property
    def gone(self) -> Gone | None:
        """How the session ended, None while it goes on."""
        return self._gone

    def listen(self, hear: Hear, pulse: Pulse) -> Callable[[], None]:
        """Tell one more, who begins with all events so far and how things are; what is returned ends it."""
        with self._lock:
            self._hears.append(hear)
            for heard in (Back(tuple(self._events)), pulse if self._gone is None else self._gone):
                if hear in self._hears:
                    self._tell_one(hear, heard)
        return lambda: self._forget(hear)

    def follow(self, hear: Hear) -> None:
        """Tell one that is no screen what happens and has happened, but not how things are."""
        with self._lock:
            self._followers.append(hear)
            for event in self._events:
                self._tell_one(hear, event)

    def tell(self, heard: Event | Pulse | Partial) -> None:
        """Tell everybody; an event is also kept for who comes later."""
        with self._lock:
            if isinstance(heard, Event):
                self._events.append(heard)
            self._tell_all(heard)

    def end(self, gone: Gone) -> None:
        """Tell everybody, now and later, that it is over. Only the first counts."""
        with self._lock:
            if self._gone is None:
                self._gone = gone
                self._tell_all(gone)

    def _tell_all(self, heard: ConsoleMessage) -> None:
        followers = [] if isinstance(heard, Pulse | Partial) else self._followers
        for hear in (*followers, *self._hears):
            self._tell_one(hear, heard)

    def _tell_one(self, hear: Hear, heard: ConsoleMessage) -> None:
        try:
            hear(heard)
        except Exception:  # noqa: BLE001  # a broken screen must not end the session
            self._forget(hear)

    def _forget(self, hear: Hear) -> None:
        with self._lock:
            for hearers in (self._hears, self._followers):
                if hear in hearers:
                    hearers.remove(hear)
