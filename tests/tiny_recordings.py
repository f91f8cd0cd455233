"""A recording that nobody made: a few turns, an adaptation, a correction, something that was said aloud."""

import json
from pathlib import Path
from typing import Any

from tiny_memory import jpeg

from agent.recording.record import EVENTS, Recorder
from core.events import (
    Activated,
    AdaptationEnded,
    AdaptationProgressed,
    AdaptationStarted,
    Answered,
    Asked,
    Corrected,
    Event,
    Judged,
    Remembered,
    Revised,
    Routed,
    SessionEnded,
    SessionStarted,
    SpeechHeard,
)

BEGAN = 1_700_000_000.0
ABOUT = {"session": "s" * 32, "room": "den", "student": "small", "expert": "large", "warm_up": 2, "seed": 0}
QUESTIONS = ("Where is the mug?", "What is red?", "How many chairs?", "Is it late?")
ANSWERS = ("on the desk", "the sofa", "three", "no")


def write_recording(folder: Path, ended: bool = True, frames: int = 2) -> Path:
    """Four turns of six seconds each, of as many frames as there are to be; returns the folder."""
    with Recorder(folder, ABOUT) as recorder:
        names = [recorder.keep(jpeg(seed, (64, 48)), ".jpg") for seed in range(frames)]
        for event in events(names, ended):
            recorder.append(event)
    return folder


def events(frames: list[str], ended: bool = True) -> list[Event]:
    """What is recorded: two turns are the expert's, two the student's; the third is corrected."""
    begun = SessionStarted(
        at=BEGAN, session="s" * 32, room="den", student="small", expert="large", warm_up=2, seed=0
    )
    listed: list[Event] = [begun]
    for turn in range(1, 5):
        listed += _turn(turn, frames[(turn - 1) % len(frames)])
        if turn == 2:
            listed += _adaptation(BEGAN + 15)
    listed += [
        Corrected(at=BEGAN + 30, turn=3, text="four", pair="c" * 32),
        Revised(at=BEGAN + 31, pair="1" * 32, text="on the shelf"),
    ]
    return [*listed, SessionEnded(at=BEGAN + 32, turns=4)] if ended else listed


def _turn(turn: int, frame: str) -> list[Event]:
    at, by = BEGAN + 6 * turn, "expert" if turn <= 2 else "student"
    listed: list[Event] = []
    if turn == 4:
        listed.append(SpeechHeard(at=at - 1, text=QUESTIONS[3], confidence=0.9, seconds=1.5))
    listed.append(Asked(at=at, turn=turn, question=QUESTIONS[turn - 1], frame=frame, frame_age_ms=40.0))
    if by == "expert":
        listed.append(Remembered(at=at + 0.9, turn=turn, pair=str(turn) * 32))
    listed += [
        Routed(at=at, turn=turn, to=by, reason="because"),  # type: ignore[arg-type]
        Answered(
            at=at + 1, turn=turn, by=by, text=ANSWERS[turn - 1], confidence=0.5, latency_ms=900.0  # type: ignore[arg-type]
        ),
        Judged(at=at + 1, turn=turn, reference=ANSWERS[turn - 1], right=turn != 3, nls=1.0),
    ]  # fmt: skip
    return listed


def _adaptation(at: float) -> list[Event]:
    return [
        AdaptationStarted(at=at, job="j", pairs=2),
        AdaptationProgressed(at=at + 1, job="j", step=5, steps=10, loss=0.5),
        AdaptationEnded(at=at + 2, job="j", promoted=True, reason="better", seconds=2.0, adapter="0001"),
        Activated(at=at + 2, adapter="0001"),
    ]


def lines(folder: Path) -> list[dict[str, Any]]:
    """The log of a session as plain values."""
    return [json.loads(line) for line in (folder / EVENTS).read_text(encoding="utf-8").splitlines()]
