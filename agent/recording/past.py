"""How far a session had come when it stopped; what was not answered or learnt then is begun anew."""

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.recording.record import SESSION, read_recording
from agent.recording.rooms import Rooms, rooms_of, warm_up_end
from agent.recording.visit import Visit, VisitTurn
from agent.takeover.evidence import Evidence
from agent.takeover.takeover import audits_of
from core import events
from core.errors import InputError
from core.events import Event
from core.types import Cost

_OTHER = "Choose a new folder: --out FOLDER"


@dataclass(frozen=True)
class Past:
    """What has happened already; nothing for a new session. `judged` are turns, `compared` turns and methods,
    `inquired` turns after which the agent asked more. `pairs_then`: pairs when each room's last completed
    adaptation began; `open_job`: one without an end. `audits`: evidence for student answers that the expert
    audited, and its verdicts. `unasked` questions wait for the expert; it answered the `late` turns
    afterwards. `spent` is its cost.
    """

    session: str
    begun: bool = False
    answered: Mapping[int, events.Answered] = field(default_factory=dict)
    judged: frozenset[int] = frozenset()
    compared: frozenset[tuple[int, str]] = frozenset()
    pairs_then: Mapping[str, int] = field(default_factory=dict)
    open_job: events.AdaptationStarted | None = None
    ended: bool = False
    inquired: frozenset[int] = frozenset()
    audits: tuple[tuple[Evidence, bool], ...] = ()
    asked: tuple[events.Asked, ...] = ()
    unasked: tuple[events.Asked, ...] = ()
    late: frozenset[int] = frozenset()
    spent: Cost = field(default_factory=Cost)
    rooms: Rooms = field(default_factory=Rooms)

    @property
    def turn(self) -> int:
        """The last answered turn, 0 for none."""
        return max(self.answered, default=0)

    def uninquired(self, warm_up: int) -> list[int]:
        """Turns of the warm-up that the expert answered but was asked no more about, though due."""
        answered = {event.turn for event in self.answered.values() if event.by == "expert"} | self.late
        rooms = self.rooms.asked
        return sorted(
            turn
            for turn in answered - self.inquired
            if turn <= warm_up_end(rooms, turn, rooms.get(turn, ""), warm_up)
        )


def past_of(session: str, log: Iterable[Event]) -> Past:
    """What a session's events mean for continuing it."""
    log = list(log)
    rooms = rooms_of(log)
    first_room = next((event.room for event in log if isinstance(event, events.SessionStarted)), "")
    pairs_then, open_job = _adaptations(log, first_room)
    return Past(
        session,
        begun=bool(log),
        answered={event.turn: event for event in log if isinstance(event, events.Answered)},
        judged=frozenset(event.turn for event in log if isinstance(event, events.Judged)),
        compared=frozenset((event.turn, event.method) for event in log if isinstance(event, events.Compared)),
        pairs_then=pairs_then,
        open_job=open_job,
        ended=bool(log) and isinstance(log[-1], events.SessionEnded),
        inquired=frozenset(event.turn for event in log if isinstance(event, events.Inquired)),
        audits=tuple(audits_of(event for event in log if _in_current_room(event, rooms))),
        asked=tuple(event for event in log if isinstance(event, events.Asked)),
        unasked=tuple(_find_unasked(log)),
        late=frozenset(event.turn for event in log if isinstance(event, events.ToldLate)),
        spent=next((Cost(e.calls, e.bytes) for e in reversed(log) if isinstance(e, events.Spent)), Cost()),
        rooms=rooms,
    )


def read_past(folder: Path, about: Mapping[str, Any], turns: int) -> Past:
    """The past of the session of `turns` questions in `folder`; of a new one if there is none. Raises
    InputError when the folder holds another session, judged by `about`, or this one is finished.
    """
    if not (folder / SESSION).exists():
        return Past(uuid.uuid4().hex)
    try:
        recording = read_recording(folder)
    except InputError as error:
        raise InputError(f"{error} Or begin anew. {_OTHER}") from error
    different = [name for name, value in about.items() if recording.about.get(name) != value]
    if different:
        raise InputError(f"{folder} holds another session: its {different[0]} is not the same. {_OTHER}")
    past = past_of(str(recording.about.get("session", "")), recording.events)
    if past.ended and past.turn >= turns:
        raise InputError(f"{folder} holds this session already, from beginning to end. {_OTHER}")
    return past


def _find_unasked(log: Iterable[Event]) -> list[events.Asked]:
    """Questions that still wait for the expert, in order."""
    asked: dict[int, events.Asked] = {}
    waiting: dict[int, bool] = {}
    for event in log:
        match event:
            case events.Asked():
                asked[event.turn] = event
                waiting.pop(event.turn, None)  # asked again after a stop: what counts came last
            case events.ExpertUnreachable():
                waiting[event.turn] = True
            case events.Remembered() | events.ToldLate():
                waiting.pop(event.turn, None)
    return [asked[turn] for turn in sorted(waiting) if turn in asked]


def visit_digest(visit: Visit) -> str:
    """SHA-256 of the visit's questions, frame names and answers; not of the pictures."""
    turns = [
        [turn.frame.name, turn.question, turn.answer, turn.tag, turn.family, *_place_of(turn)]
        for turn in visit.turns
    ]
    return hashlib.sha256(json.dumps([visit.room, visit.answers, turns]).encode()).hexdigest()


def _place_of(turn: VisitTurn) -> list[Any]:
    """Where a turn was asked and what was seen before, in a visit to several rooms."""
    return [turn.room, [path.name for path in turn.seen]] if turn.room or turn.seen else []


def _in_current_room(event: Event, rooms: Rooms) -> bool:
    """Whether the event is about the current room; audits of others do not count."""
    return rooms.asked.get(getattr(event, "turn", 0), rooms.last) == rooms.last


def _adaptations(
    log: Iterable[Event], first_room: str
) -> tuple[dict[str, int], events.AdaptationStarted | None]:
    """The pairs that each room's last completed job began with, and the job under way. Jobs without a room
    belong to the session's first room.
    """
    pairs: dict[str, int] = {}
    under_way = None
    for event in log:
        if isinstance(event, events.AdaptationStarted):
            under_way = event
        elif isinstance(event, events.AdaptationEnded) and under_way is not None:
            if not event.again:
                pairs[under_way.room or first_room] = under_way.pairs
            under_way = None
    return pairs, under_way
