"""More views of a room than its session shows, with questions of the kinds that sessions begin with."""

import numpy as np

from bench.rooms.sessions import VIEWS, Session, SessionTurn, opening
from bench.rooms.views import visit
from bench.rooms.world.scene import SPLITS

MORE = 4
OTHER_VIEW = "other-view"
_ROUNDS = 9  # of up to ten questions, some of which come again


def make_more_views(split: str, index: int, size: int) -> Session | None:
    """Up to four more views of room `index` of a split, `size` pixels wide, a metre or more from those of its
    session and from each other, and what can be asked about them. None where the room has no more.

    The same arguments give the same views and questions.
    """
    room, shots = visit(split, index, size, VIEWS + MORE)
    facts = [shot.facts for shot in shots[VIEWS:]]
    asked: dict[tuple[int, str], SessionTurn] = {}
    for number in range(_ROUNDS if facts else 0):
        for turn in opening(facts, split, np.random.default_rng([SPLITS[split], index, 4, number])):
            asked.setdefault((turn.frame, turn.question.text), turn._replace(tag=OTHER_VIEW))
    return Session(room, shots[VIEWS:], list(asked.values())) if asked else None
