"""Rooms replayed through the loop that people use, and the evidence behind the student's later answers."""

from dataclasses import dataclass

from agent.recording.past import visit_digest
from agent.recording.record import Recording, read_recording
from agent.recording.summary import summarise
from agent.recording.visit import read_visit
from agent.takeover.evidence import Evidence
from agent.takeover.takeover import read_evidence
from bench.learning.places import claim_folder, session_of
from bench.learning.plan import LearningPlan, Unit
from bench.learning.unit import replay_once
from core.errors import InputError
from core.events import Answered, Compared, Judged, Weighed
from core.scoring import exact_match


@dataclass(frozen=True)
class StudentAnswer:
    """Whether the expert agrees and whether either is right; `stood`: the expert was not asked."""

    evidence: Evidence
    agrees: bool
    right: bool
    expert_right: bool
    stood: bool


@dataclass(frozen=True)
class Visited:
    """One room: the student's `answers` in the order asked. `key` tells its questions apart.

    `calls`: the person's questions that the expert answered, warm-up included; `extra`: the agent's own.
    """

    room: str
    key: str
    answers: tuple[StudentAnswer, ...]
    calls: int
    extra: int = 0


def replay_visit(plan: LearningPlan, unit: Unit) -> Visited | None:
    """Replay a room, if that is not done yet; None while another process is at it.

    Raises InputError, also when the replay tells nothing of what answers rested on, ImageError,
    UnknownModelError, WeightsError, StorageError; what was done is kept.
    """
    session = session_of(unit.place, plan.out)
    visit = read_visit(session)
    folder = unit.folder(plan, visit)
    with claim_folder(folder) as claimed:
        if not claimed:
            return None
        replay_once(plan, unit, session, folder)
        return read_visit_answers(
            unit.place.name, visit_digest(visit), read_recording(folder / "run" / "session")
        )


def read_visit_answers(room: str, key: str, recording: Recording) -> Visited:
    """A recording's answers to questions that both have answered. Raises InputError when there is none."""
    weighed_events = {event.turn: event for event in recording.events if isinstance(event, Weighed)}
    answered = {event.turn: event for event in recording.events if isinstance(event, Answered)}
    truth = {event.turn: event.reference for event in recording.events if isinstance(event, Judged)}
    expert = {
        event.turn: event.text
        for event in recording.events
        if isinstance(event, Compared) and event.method == "expert"
    }
    answers = []
    for turn, event in sorted(weighed_events.items()):
        evidence = read_evidence(event.evidence)
        if evidence is not None and turn in expert and turn in truth and turn in answered:
            answers.append(
                StudentAnswer(
                    evidence, exact_match(event.text, expert[turn]), exact_match(event.text, truth[turn]),
                    exact_match(expert[turn], truth[turn]), answered[turn].by == "student",
                )
            )  # fmt: skip
    if not answers:
        raise InputError(
            f"The replay of {room} has no answer of the student to weigh. "
            "Choose sessions with known answers after the warm-up, or a new folder: --out FOLDER"
        )
    calls = sum(event.by == "expert" for event in answered.values())
    return Visited(room, key, tuple(answers), calls, summarise(recording.events).extra_calls)
