"""`roomwise bench dashboard`: what the dashboard adds to an answer, and how soon it shows a key."""

import time
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import typer

from bench.intervals import bootstrap_percentile, bootstrap_ratio
from bench.report import Report, Row, emit, measured
from bench.screen.session import Run, session
from core.events import AdaptationEnded, AdaptationStarted

app = typer.Typer(add_completion=False)
_QUESTIONS = (
    "What colour is the bed?", "How many cushions are there?", "Where is the lamp?", "Is there a chair?",
    "What is on the floor?", "What is left of the bed?",
)  # fmt: skip
_LEARNT = 180.0  # seconds
_PAUSE = 0.4  # seconds between questions; shorter than a person's
_LETTER = "ж"
"""Shown nowhere before it is typed."""
_BACKSPACE = "\x7f"


@dataclass
class Found:
    """Milliseconds of answers, and of keys by whether an adaptation ran."""

    answers: list[float] = field(default_factory=list)
    keys: dict[bool, list[float]] = field(default_factory=lambda: {False: [], True: []})


@app.command()
def dashboard(
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Sessions of each kind, in turn.")] = 3,
    answers: Annotated[int, typer.Option("--answers", min=10, help="Timed in each session.")] = 40,
    keys: Annotated[int, typer.Option("--keys", min=1, help="Timed in each session and state.")] = 50,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the intervals.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Run sessions on the demo with and without a dashboard in a terminal of 120 x 40, and time both.

    The same questions come from outside either way. Keys are timed from the press to the bytes that show it,
    while an adaptation runs and when none does.

    Example: roomwise bench dashboard --json
    """
    found = {shown: [_session(shown, answers, keys) for _ in range(rounds)] for shown in (False, True)}
    emit(Report("bench dashboard", seed, _rows(found, seed)), json=as_json)


def _session(shown: bool, answers: int, keys: int) -> Found:
    found = Found()
    with session(shown) as run:
        for number in range(10):  # the warm-up, which the expert answers
            run.ask(_QUESTIONS[number % len(_QUESTIONS)])
        run.log.wait(AdaptationStarted, 1, _LEARNT)
        if shown:
            _press(run, found, keys)
        run.log.wait(AdaptationEnded, 1, _LEARNT)
        for number in range(answers):
            time.sleep(_PAUSE)
            found.answers.append(run.ask(_QUESTIONS[number % len(_QUESTIONS)]))
        if shown:
            _press(run, found, keys)
    return found


def _press(run: Run, found: Found, keys: int) -> None:
    for _ in range(keys):
        learning = run.learning
        seconds = run.terminal.press(_LETTER, _LETTER)
        run.terminal.send(_BACKSPACE)
        if run.learning == learning:
            found.keys[learning].append(seconds * 1000)


def _rows(found: dict[bool, list[Found]], seed: int) -> list[Row]:
    without, beside = (np.array([one.answers for one in found[shown]]) for shown in (False, True))
    rows = []
    for name, values in (("headless", without), ("dashboard", beside)):
        rows.append(
            measured(
                bootstrap_percentile(values.ravel(), 50, seed=seed),
                metric="answer_ms",
                method=name,
                statistic="p50",
            )
        )
    ratio = bootstrap_ratio(beside.ravel(), without.ravel(), seed=seed)
    rows.append(measured(ratio, metric="ratio", method="dashboard / headless", statistic="mean"))
    for learning, state in ((False, "idle"), (True, "adapting")):
        times = np.array([key for one in found[True] for key in one.keys[learning]])
        if len(times):
            for percentile in (50, 95):
                interval = bootstrap_percentile(times, percentile, seed=seed)
                rows.append(measured(interval, metric="key_ms", method=state, statistic=f"p{percentile}"))
    return rows
