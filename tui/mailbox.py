"""What is heard on any thread, until the screen takes it, at most so often as it draws."""

import threading
from dataclasses import replace

from agent.console.protocol import Back, ConsoleMessage, Partial, Pulse


class Mailbox:
    """Keeps every event, and of what replaces itself the newest only, so that a slow screen lags nobody."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[ConsoleMessage] = []

    def hear(self, heard: ConsoleMessage) -> None:
        """Called on any thread; returns at once."""
        with self._lock:
            if isinstance(heard, Back):
                self._waiting.clear()  # it tells all of it anew
            last = self._waiting[-1] if self._waiting else None
            match last, heard:
                case Pulse(), Pulse():
                    self._waiting[-1] = heard if heard.frame else replace(heard, frame=last.frame)
                case Partial(), Partial() if last.turn == heard.turn:
                    self._waiting[-1] = heard
                case _:
                    self._waiting.append(heard)

    def take(self) -> list[ConsoleMessage]:
        """All that waits, oldest first."""
        with self._lock:
            taken, self._waiting = self._waiting, []
        return taken
