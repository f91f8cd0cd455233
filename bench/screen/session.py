"""A session of `roomwise run` on the demo, with its dashboard or without, and questions put to it.

Both ways a client asks over the local socket, as another dashboard would, so that only the screen differs.
"""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from agent.attach.client import Attached
from agent.attach.place import SOCKET, Local
from agent.console.protocol import Ask, Back, ConsoleMessage, Gone
from bench.screen.terminal import Terminal
from core.errors import InputError
from core.events import AdaptationEnded, AdaptationStarted, Answered, Event, SessionStarted

_START = 120.0


class EventLog:
    """All events of a session as they come, from another thread."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._changed = threading.Condition()

    def __call__(self, message: ConsoleMessage) -> None:
        with self._changed:
            if isinstance(message, Back):
                self._events = list(message.events)
            elif isinstance(message, Event):
                self._events.append(message)
            elif isinstance(message, Gone):
                self._events = []
            self._changed.notify_all()

    def of(self, kind: type[Event]) -> list[Event]:
        """Those of a kind so far."""
        with self._changed:  # reentrant
            return [event for event in self._events if isinstance(event, kind)]

    def wait(self, kind: type[Event], count: int, seconds: float) -> None:
        """Until there are so many of a kind. Raises InputError when that takes longer."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.of(kind)) >= count, seconds):
                raise InputError(
                    f"The session came to no {kind.__name__} within {seconds:.0f} s. Run it by hand."
                )


class ScreenSession:
    """A session under way: its terminal, its events, a client that asks."""

    def __init__(self, terminal: Terminal, log: EventLog, client: Attached) -> None:
        self.terminal, self.log, self._client = terminal, log, client

    def ask(self, question: str) -> float:
        """Milliseconds that the answer took, as the session itself timed it."""
        count = len(self.log.of(Answered))
        self._client.put(Ask(question)).result(_START)
        self.log.wait(Answered, count + 1, _START)
        last = self.log.of(Answered)[-1]
        assert isinstance(last, Answered)
        return last.latency_ms

    def wait_until_reachable(self) -> None:
        """Wait until it can be asked: who was stopped for long was given up. Raises InputError when not."""
        self.log.wait(SessionStarted, 1, _START)

    @property
    def learning(self) -> bool:
        """Whether an adaptation runs."""
        return len(self.log.of(AdaptationStarted)) > len(self.log.of(AdaptationEnded))


@contextmanager
def open_session(dashboard: bool) -> Iterator[ScreenSession]:
    """Begun, with a memory of its own that is thrown away. Raises InputError when it does not begin."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rw")))
        environment = {**os.environ, "ROOMWISE_HOME": str(home)}
        command = [sys.executable, "-m", "roomwise", "run", "--source", "demo", "--listen", "off"]
        command += [] if dashboard else ["--headless"]
        terminal = stack.enter_context(Terminal(command, environment))
        _await(home / "run" / SOCKET, terminal)
        client = stack.enter_context(Attached(Local(home / "run" / SOCKET)))
        log = EventLog()
        stack.callback(client.listen(log))
        log.wait(SessionStarted, 1, _START)
        yield ScreenSession(terminal, log, client)


def _await(socket: Path, terminal: Terminal) -> None:
    end = time.monotonic() + _START
    while not socket.exists():
        if terminal.over or time.monotonic() > end:
            raise InputError("roomwise run did not begin. ScreenSession it by hand to see why.")
        time.sleep(0.1)
