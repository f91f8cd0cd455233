"""A room's replay through the loop that people use, and what it tells about the later questions."""

from pathlib import Path
from typing import Any

from agent.recording.past import past_of
from agent.recording.record import SESSION, Recording, read_recording
from agent.recording.summary import ALL
from agent.recording.visit import read_visit
from agent.replay.session import ReplayOptions, replay_session
from bench.learning.methods import AGENT, ROOMWISE
from bench.learning.plan import LearningPlan, Unit
from bench.learning.state import copy_state
from core.events import AdaptationEnded, Answered, Compared, Judged
from core.files import atomic_directory

_NAMES = {"adapted": ROOMWISE}
"""Events name who answered, tables the method."""


def replay_room(plan: LearningPlan, unit: Unit, session: Path, folder: Path) -> dict[str, Any]:
    """Replay a session in `folder`/run, or go on with it there; what it told, as plain values.

    It begins with the unit's start. Raises what `replay_session` does.
    """
    run, turns = folder / "run", len(read_visit(session).turns)
    warm_up = -(-turns // 2) if plan.warm_up is None else plan.warm_up
    if not run.is_dir():
        with atomic_directory(run) as fresh:
            if unit.start.folder is not None:
                copy_state(unit.start.folder, fresh)
    if not _is_finished(run, turns):
        options = ReplayOptions(session, plan.student, plan.expert, warm_up, unit.seed, run, quiet=True)
        replay_session(options, plan.config)
    return read_replay(read_recording(run / "session"), warm_up)


def read_replay(recording: Recording, warm_up: int) -> dict[str, Any]:
    """What each method said to each question after the warm-up, and what adapting took."""
    answers: dict[int, dict[str, str]] = {}
    for event in recording.events:
        if isinstance(event, Compared):
            answers.setdefault(event.turn, {})[_NAMES.get(event.method, event.method)] = event.text
        elif isinstance(event, Answered):
            answers.setdefault(event.turn, {})[AGENT] = event.text
    judged = [event for event in recording.events if isinstance(event, Judged) and event.turn > warm_up]
    turns = [
        {"turn": event.turn, "tag": event.tag or ALL, "reference": event.reference,
         "said": answers.get(event.turn, {})}
        for event in judged
    ]  # fmt: skip
    adaptations = [
        {"seconds": event.seconds, "promoted": event.promoted,
         "kept": event.scores.get("candidate.probe.exact", 0.0)}
        for event in recording.events
        if isinstance(event, AdaptationEnded) and not event.again
    ]  # fmt: skip
    session = str(recording.about.get("session", ""))
    return {"session": session, "warm_up": warm_up, "turns": turns, "adaptations": adaptations}


def _is_finished(run: Path, turns: int) -> bool:
    """Whether the session was replayed to its end, by a process that did not live to tell."""
    if not (run / "session" / SESSION).exists():
        return False
    recording = read_recording(run / "session")
    past = past_of(str(recording.about.get("session", "")), recording.events)
    return past.ended and past.turn >= turns
