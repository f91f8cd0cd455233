"""When to adapt to a room, and when to consolidate what all rooms taught. Decisions alone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Standing:
    """Pairs there are, and pairs when the last job began (0 before the first)."""

    turn: int
    warm_up: int
    pairs: int
    pairs_then: int


def due(standing: Standing, least: int, again_after: int) -> bool:
    """Whether to start a job now.

    The first one when the warm-up's last question has been answered and there are `least` pairs, a
    further one whenever `again_after` pairs have come since the last.
    """
    if standing.pairs < least or standing.turn < standing.warm_up:
        return False
    return standing.pairs_then == 0 or standing.pairs - standing.pairs_then >= again_after


LEAST_ROOMS = 3
"""With fewer there is none that could judge what the others taught."""
_MORE_PAIRS = 50


@dataclass(frozen=True)
class Known:
    """Rooms and pairs that there are, and that there were when home was last consolidated (0 before that)."""

    rooms: int
    pairs: int
    rooms_then: int = 0
    pairs_then: int = 0


def home_due(known: Known) -> bool:
    """Whether to consolidate home: there are three rooms, and since the last time a new one or 50 pairs."""
    if known.rooms < LEAST_ROOMS:
        return False
    return known.rooms > known.rooms_then or known.pairs - known.pairs_then >= _MORE_PAIRS
