"""When to adapt to a room, and when to consolidate home. Decisions alone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Standing:
    """`pairs_then` is the number of pairs when the last job began, 0 before the first."""

    turn: int
    warm_up: int
    pairs: int
    pairs_then: int


def due(standing: Standing, least: int, again_after: int) -> bool:
    """Whether to start a job: when the warm-up is over and there are `least` pairs, then every
    `again_after` pairs.
    """
    if standing.pairs < least or standing.turn < standing.warm_up:
        return False
    return standing.pairs_then == 0 or standing.pairs - standing.pairs_then >= again_after


LEAST_ROOMS = 3
"""With fewer, none could judge what the others taught."""
_MORE_PAIRS = 50


@dataclass(frozen=True)
class RoomCounts:
    """Rooms and pairs now, and when home was last consolidated (0 for never)."""

    rooms: int
    pairs: int
    rooms_then: int = 0
    pairs_then: int = 0


def home_due(counts: RoomCounts) -> bool:
    """Whether to consolidate home: three rooms, and since the last time a new one or 50 pairs."""
    if counts.rooms < LEAST_ROOMS:
        return False
    return counts.rooms > counts.rooms_then or counts.pairs - counts.pairs_then >= _MORE_PAIRS
