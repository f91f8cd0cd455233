"""The rooms a session was in, read from its events."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from core.events import Asked, Event, RoomEntered, SessionStarted


@dataclass(frozen=True)
class Rooms:
    """`last` is the room a session ends in, "" before it began; `asked` maps turns to rooms."""

    last: str = ""
    asked: Mapping[int, str] = field(default_factory=dict)


def rooms_of(events: Iterable[Event]) -> Rooms:
    """The rooms of a session's events; a room that turned out to be another hands its turns over."""
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
    """The last turn of a room's warm-up, as seen from a `turn` asked there; each room has its own warm-up."""
    earlier = sum(asked_in == room for number, asked_in in asked.items() if number < turn)
    return turn - (earlier + 1) + warm_up


def warm_ups(rooms: Sequence[str], warm_up: int) -> list[bool]:
    """Whether each turn, asked in these rooms, is in its room's warm-up."""
    counts: Counter[str] = Counter()
    warm = []
    for room in rooms:
        counts[room] += 1
        warm.append(counts[room] <= warm_up)
    return warm
