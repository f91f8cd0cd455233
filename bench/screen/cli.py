"""`roomwise bench dashboard`: what the dashboard adds to an answer, and how soon it shows a key."""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from agent.attach.client import Attached
from agent.attach.place import SOCKET, Local
from agent.console import Ask, Back, ConsoleMessage, Gone
from bench.measure.intervals import bootstrap_percentile, bootstrap_ratio
from bench.measure.options import Json
from bench.measure.report import Report, Row, emit, measured
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
        socket, end = home / "run" / SOCKET, time.monotonic() + _START
        while not socket.exists():
            if terminal.over or time.monotonic() > end:
                raise InputError("roomwise run did not begin. Run it by hand to see why.")
            time.sleep(0.1)
        client = stack.enter_context(Attached(Local(socket)))
        log = EventLog()
        stack.callback(client.listen(log))
        log.wait(SessionStarted, 1, _START)
        yield ScreenSession(terminal, log, client)


app = typer.Typer(add_completion=False)
_QUESTIONS = (
    "What colour is the bed?", "How many cushions are there?", "Where is the lamp?", "Is there a chair?",
    "What is on the floor?", "What is left of the bed?",
)  # fmt: skip
_LEARNT = 180.0  # seconds
_PAUSE = 1.5  # seconds between questions, in which a screen that was stopped catches up
_CHANCE = 0.3  # seconds more at most: a screen paints at fixed times after it was stopped, people ask at any
_THAWED = 6.0  # seconds in which who was stopped for long finds camera and client again
_LETTER = "ж"
"""Shown nowhere before it is typed."""
_BACKSPACE = "\x7f"


@dataclass
class ScreenTimes:
    """Milliseconds of answers by whether a dashboard was there, and of keys by whether an adaptation ran."""

    answers: dict[bool, list[float]] = field(default_factory=lambda: {False: [], True: []})
    keys: dict[bool, list[float]] = field(default_factory=lambda: {False: [], True: []})


@app.command()
def dashboard(
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Sessions of each kind.")] = 4,
    answers: Annotated[int, typer.Option("--answers", min=10, help="Timed in each session.")] = 40,
    keys: Annotated[int, typer.Option("--keys", min=1, help="Timed in each session and state.")] = 50,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the intervals.")] = 0,
    as_json: Json = False,
) -> None:
    """Run sessions on the demo with and without a dashboard in a terminal of 120 x 40, and time both.

    Two sessions are kept at a time, one of each kind, and asked in turn, each question of both; who is not
    asked is stopped meanwhile. Keys are timed from the press to the bytes that show it, while an adaptation
    runs and when none does.

    Example: roomwise bench dashboard --json
    """
    rng = np.random.default_rng(seed)
    results = [_round(answers, keys, rng) for _ in range(rounds)]
    emit(Report("bench dashboard", seed, _rows(results, seed)), json=as_json)


def _round(answers: int, keys: int, rng: np.random.Generator) -> ScreenTimes:
    times = ScreenTimes()
    with open_session(False) as headless:
        _learn(headless)
        headless.terminal.freeze(True)
        with open_session(True) as with_screen:
            _learn(with_screen, lambda: _press(with_screen, times, keys))
            headless.terminal.freeze(False)
            time.sleep(_THAWED)
            for number in range(answers):
                question, pause = _QUESTIONS[number % len(_QUESTIONS)], _PAUSE + rng.uniform(0, _CHANCE)
                for session, beside in ((with_screen, True), (headless, False)):
                    times.answers[beside].append(_time_answer(session, question, pause))
                    session.terminal.freeze(True)
            with_screen.terminal.freeze(False)
            time.sleep(_PAUSE)
            _press(with_screen, times, keys)
    return times


def _learn(session: ScreenSession, meanwhile: Callable[[], None] = lambda: None) -> None:
    """The warm-up, which the expert answers, and what is learnt from it."""
    for number in range(10):
        session.ask(_QUESTIONS[number % len(_QUESTIONS)])
    session.log.wait(AdaptationStarted, 1, _LEARNT)
    meanwhile()
    session.log.wait(AdaptationEnded, 1, _LEARNT)


def _time_answer(session: ScreenSession, question: str, pause: float) -> float:
    """Milliseconds of an answer, after the session has caught up with the time."""
    session.terminal.freeze(False)
    time.sleep(pause)
    session.wait_until_reachable()
    return session.ask(question)


def _press(session: ScreenSession, times: ScreenTimes, keys: int) -> None:
    for _ in range(keys):
        learning = session.learning
        seconds = session.terminal.press(_LETTER, _LETTER)
        session.terminal.send(_BACKSPACE)
        if session.learning == learning:
            times.keys[learning].append(seconds * 1000)


def _rows(results: Sequence[ScreenTimes], seed: int) -> list[Row]:
    headless, with_screen = (
        np.array([result.answers[dashboard] for result in results]) for dashboard in (False, True)
    )
    rows = []
    for name, values in (("headless", headless), ("dashboard", with_screen)):
        middle = bootstrap_percentile(values.ravel(), 50, seed=seed)
        rows.append(measured(middle, metric="answer_ms", method=name, statistic="p50"))
    # Two processes differ by themselves: over sessions, not over questions.
    sessions = np.repeat(np.arange(len(results)), with_screen.shape[1]).tolist()
    ratio = bootstrap_ratio(with_screen.ravel(), headless.ravel(), sessions, seed=seed)
    rows.append(measured(ratio, metric="ratio", method="dashboard / headless", statistic="mean"))
    for learning, state in ((False, "idle"), (True, "adapting")):
        times = [key for result in results for key in result.keys[learning]]
        if times:
            for percentile in (50, 95):
                interval = bootstrap_percentile(times, percentile, seed=seed)
                rows.append(measured(interval, metric="key_ms", method=state, statistic=f"p{percentile}"))
    return rows
