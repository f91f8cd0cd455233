"""A session that nobody rendered: two frames of coloured patches, ids in quarters, twelve questions."""

from types import SimpleNamespace
from typing import Any

import numpy as np
from tiny_models import QUESTIONS, photo

TURNS = 12
_SIDE = 64


def tiny_session(split: str, index: int, size: int) -> Any:
    """As `bench.rooms.sessions.make_session`, as far as maps and questions go; things are 1 to 4."""
    shots = [SimpleNamespace(frame=_frame(2 * index + number)) for number in range(2)]
    turns = [
        SimpleNamespace(
            frame=number % 2,
            question=SimpleNamespace(text=QUESTIONS[number % 3], answer="red", subject=(1 + number % 4,)),
        )
        for number in range(TURNS)
    ]
    return SimpleNamespace(room=SimpleNamespace(index=index, split=split), shots=shots, turns=turns)


def _frame(seed: int) -> Any:
    ids = np.repeat(np.repeat(np.array([[1, 2], [3, 4]], np.uint16), _SIDE // 2, 0), _SIDE // 2, 1)
    return SimpleNamespace(rgb=np.asarray(photo(seed, _SIDE, _SIDE)), ids=ids)
