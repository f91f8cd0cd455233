"""In which rooms a session was, read from its events: where each turn was asked, where it ended."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from core.events import Asked, Event, RoomEntered, SessionStarted


@dataclass(frozen=True)
class Rooms:
    """`last` is the room that a session's events end in, "" before it began; `asked` that of each turn."""

    last: str = ""
    asked: Mapping[int, str] = field(default_factory=dict)


def rooms_of(events: Iterable[Event]) -> Rooms:
    """The rooms of a session's events. What was asked in a room that turned out to be another is of that."""
    last, asked = "", dict[int, str]()
    for event in events:
        match event:
            case SessionStarted():
                last = event.room
            case Asked():
                asked[event.turn] = last
            case RoomEntered():
                last = event.room
                if event.moved:
                    asked = {turn: last if room == event.before else room for turn, room in asked.items()}
    return Rooms(last, asked)


def warm_up_end(asked: Mapping[int, str], turn: int, room: str, warm_up: int) -> int:
    """The turn that the warm-up of a room ends with, seen from a `turn` asked there: each room has one of so
    many questions, whatever was asked elsewhere meanwhile.
    """
    before = sum(there == room for number, there in asked.items() if number < turn)
    return turn - (before + 1) + warm_up


def warm_ups(rooms: Sequence[str], warm_up: int) -> list[bool]:
    """Whether each turn, asked in these rooms, is one of the first so many of its room."""
    asked: Counter[str] = Counter()
    found = []
    for room in rooms:
        asked[room] += 1
        found.append(asked[room] <= warm_up)
    return found
