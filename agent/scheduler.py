"""When to adapt: after the warm-up, and again when enough has been learnt since. Decisions alone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Standing:
    """Pairs there are, pairs when the last job began (0 before the first), whether one runs now."""

    turn: int
    warm_up: int
    pairs: int
    pairs_then: int
    running: bool


def due(standing: Standing, least: int, again_after: int) -> bool:
    """Whether to start a job now.

    The first one when the warm-up's last question has been answered and there are `least` pairs, a
    further one whenever `again_after` pairs have come since the last.
    """
    if standing.running or standing.pairs < least or standing.turn < standing.warm_up:
        return False
    return standing.pairs_then == 0 or standing.pairs - standing.pairs_then >= again_after
