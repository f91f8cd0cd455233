"""`roomwise bench dashboard`: what the dashboard adds to an answer, and how soon it shows a key."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import typer

from bench.measure.intervals import bootstrap_percentile, bootstrap_ratio
from bench.measure.options import Json
from bench.measure.report import Report, Row, emit, measured
from bench.screen.session import ScreenSession, open_session
from core.events import AdaptationEnded, AdaptationStarted

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
        np.array([result.answers[shown] for result in results]) for shown in (False, True)
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
