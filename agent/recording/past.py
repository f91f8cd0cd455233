"""How far a session had come when it stopped, read from its events: what going on needs to know.

What was answered stays answered. A question that was asked and not answered is asked again; an adaptation
that came to no end is begun anew.
"""

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
    """What has happened already; of a new session, nothing.

    `judged` are turns, `compared` turns and methods. `pairs_then` is of how many pairs each room's last
    adaptation that counts began; `open_job` one whose end nobody was told. `ended`: on purpose or by error.
    `inquired` are turns after which the agent asked the expert more. `audits`: what the student's answers
    rested on where the expert was asked as well, and whether it said the same. `unasked` wait for the expert;
    to the turns in `late` it answered later. `spent` is what it has cost. `rooms`: where it was.
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
        """The last one that was answered, 0 for none."""
        return max(self.answered, default=0)

    def uninquired(self, warm_up: int) -> list[int]:
        """Turns of the warm-up that the expert answered and after which it was asked no more, though due."""
        answered = {event.turn for event in self.answered.values() if event.by == "expert"} | self.late
        asked = self.rooms.asked
        return sorted(
            turn
            for turn in answered - self.inquired
            if turn <= warm_up_end(asked, turn, asked.get(turn, ""), warm_up)
        )


def past_of(session: str, log: Iterable[Event]) -> Past:
    """What a session's events amount to for going on with it."""
    listed = list(log)
    rooms = rooms_of(listed)
    began = next((event.room for event in listed if isinstance(event, events.SessionStarted)), "")
    pairs_then, open_job = _adaptations(listed, began)
    return Past(
        session,
        begun=bool(listed),
        answered={event.turn: event for event in listed if isinstance(event, events.Answered)},
        judged=frozenset(event.turn for event in listed if isinstance(event, events.Judged)),
        compared=frozenset(
            (event.turn, event.method) for event in listed if isinstance(event, events.Compared)
        ),
        pairs_then=pairs_then,
        open_job=open_job,
        ended=bool(listed) and isinstance(listed[-1], events.SessionEnded),
        inquired=frozenset(event.turn for event in listed if isinstance(event, events.Inquired)),
        audits=tuple(audits_of(event for event in listed if _of_room(event, rooms))),
        asked=tuple(event for event in listed if isinstance(event, events.Asked)),
        unasked=tuple(_unasked(listed)),
        late=frozenset(event.turn for event in listed if isinstance(event, events.ToldLate)),
        spent=next((Cost(e.calls, e.bytes) for e in reversed(listed) if isinstance(e, events.Spent)), Cost()),
        rooms=rooms,
    )


def read_past(folder: Path, about: Mapping[str, Any], turns: int) -> Past:
    """The past of the session of `turns` questions that is kept in `folder`; of a new one if none is.

    Raises InputError when another session is kept there, by `about`, or this one has come to its end.
    """
    if not (folder / SESSION).exists():
        return Past(uuid.uuid4().hex)
    try:
        recording = read_recording(folder)
    except InputError as error:
        raise InputError(f"{error} Or begin anew. {_OTHER}") from error
    other = [name for name, value in about.items() if recording.about.get(name) != value]
    if other:
        raise InputError(f"{folder} holds another session: its {other[0]} is not the same. {_OTHER}")
    past = past_of(str(recording.about.get("session", "")), recording.events)
    if past.ended and past.turn >= turns:
        raise InputError(f"{folder} holds this session already, from beginning to end. {_OTHER}")
    return past


def _unasked(log: Iterable[Event]) -> list[events.Asked]:
    """The questions of a session's events that still wait for the expert, in the order they were asked."""
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
    """The SHA-256 of what is asked of which frame, and of what is known; not of the pictures themselves."""
    told = [
        [turn.frame.name, turn.question, turn.answer, turn.tag, turn.family, *_around(turn)]
        for turn in visit.turns
    ]
    return hashlib.sha256(json.dumps([visit.room, visit.answers, told]).encode()).hexdigest()


def _around(turn: VisitTurn) -> list[Any]:
    """Where a turn was asked and what was seen before, in a visit to several rooms."""
    return [turn.room, [path.name for path in turn.seen]] if turn.room or turn.seen else []


def _of_room(event: Event, rooms: Rooms) -> bool:
    """Whether it tells about the room that the session is in: others have another student, so to say."""
    return rooms.asked.get(getattr(event, "turn", 0), rooms.last) == rooms.last


def _adaptations(log: Iterable[Event], began: str) -> tuple[dict[str, int], events.AdaptationStarted | None]:
    """Of how many pairs each room's last job that counts began, and the job that is under way after all
    events. Jobs that name no room are of the one that the session `began` in.
    """
    pairs: dict[str, int] = {}
    under_way = None
    for event in log:
        if isinstance(event, events.AdaptationStarted):
            under_way = event
        elif isinstance(event, events.AdaptationEnded) and under_way is not None:
            if not event.again:
                pairs[under_way.room or began] = under_way.pairs
            under_way = None
    return pairs, under_way
